#!/bin/sh
# check.sh BUILD_DIR: installs a build into a folder of its own, looks at what was installed, and builds
# consumer.c against it with pkg-config, by gcc, clang and g++, with the shared and with the static library.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
stage=$root/$1/stage
bad=0

check() { # check WHAT COMMAND...
    what=$1
    shift
    if "$@"; then
        echo "ok install: $what"
    else
        echo "FAIL install: $what"
        bad=1
    fi
}

rm -rf "$stage"
meson install -C "$1" --no-rebuild --quiet --destdir "$stage" >"$1/install.txt" 2>&1 || {
    cat "$1/install.txt"
    echo "FAIL install: meson install"
    exit 1
}
pc=$(find "$stage" -name tapegrad.pc)
libraries=$(dirname "$(dirname "$pc")")
headers=$(dirname "$(find "$stage" -name tapegrad.h)")
prefix=$(dirname "$(dirname "$headers")")
export PKG_CONFIG_PATH="${pc%/*}"

flags() { pkg-config --define-variable=prefix="$prefix" "$@" tapegrad; }

# Each header stands on its own, as strict C11 and as C++17.
header_alone() {
    # shellcheck disable=SC2046 # lists of words
    $1 $(flags --cflags) -pedantic -Wall -Wextra -Werror -fmax-errors=5 -fsyntax-only "$headers/$2"
}
all_headers=$(cd "$headers" && find . -name '*.h' | sed 's|^\./||' | sort)
for header in $all_headers; do
    check "$header as C11" header_alone 'gcc -std=c11 -x c' "$header"
    check "$header as C++17" header_alone 'g++ -std=c++17 -x c++' "$header"
done

# The shared library gives away exactly what the headers declare.
exported() { nm -D --defined-only "$libraries/libtapegrad.so" | awk '{ print $NF }' | sort -u; }
declared() {
    # shellcheck disable=SC2046,SC2086 # lists of words
    printf '#include <%s>\n' $all_headers | gcc $(flags --cflags) -E -P - | tr '\n' ' ' | tr ';{}' '\n\n\n' |
        grep 'visibility("default")' | sed 's/__attribute__ *(([^()]*\(([^()]*)\)*[^()]*))//g
            s/^\([^(]*\)(.*/\1/; s/[][].*//; s/[* ]*$//; s/.*[* ]//' | sort -u
}
same_symbols() {
    exported >"$stage/exported" && declared >"$stage/declared"
    [ -s "$stage/exported" ] && diff -U 0 "$stage/declared" "$stage/exported" | grep '^[-+][^-+]' && return 1
    ! grep -v '^tg_' "$stage/exported"
}
check 'exported symbols are those of the headers, all tg_*' same_symbols

# The program runs and prints what it should.
consumer() { # consumer COMPILER LANGUAGE shared|static
    program=$stage/consumer_${1%% *}_$3
    if [ "$3" = shared ]; then
        libs="$(flags --libs) -Wl,-rpath,$libraries"
    else
        libs=$(flags --libs --static | sed 's/-ltapegrad/-l:libtapegrad.a/')
    fi
    # shellcheck disable=SC2046,SC2086 # lists of words
    (cd tests/install && $1 -pedantic -Wall -Wextra -Werror $(flags --cflags) -x $2 -c -o "$program.o" consumer.c) &&
        $1 -o "$program" "$program.o" $libs &&
        "$program" >"$program.txt" && diff -u tests/install/expected.txt "$program.txt"
}
for kind in shared static; do
    check "gcc, $kind library" consumer 'gcc -std=c11' c $kind
    check "clang, $kind library" consumer 'clang -std=c11' c $kind
    check "g++, $kind library" consumer 'g++ -std=c++17' c++ $kind
done
exit $bad
