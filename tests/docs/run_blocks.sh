#!/bin/sh
# run_blocks.sh BUILD_DIR [FILE.md...]: the code blocks of README.md and docs/ compile, run, and print what
# the page says. What follows ``` says what a block is:
#   c               a program, when it has an int main(; it is compiled, as example.c, with every warning an
#                   error against the shared library, and run in an empty folder. Otherwise statements: they
#                   have to compile inside a function that has a tg_tape *tape and returns int.
#   c NAME.c        a program, compiled under that name (which is the one in messages that name a line)
#   c more          statements that go on from those of the block before; or a program which goes on from
#                   the page's file blocks (c more NAME.c: under that name)
#   c file          declarations and functions: known to all statements that come later on the page
#   c source PATH   lines that stand in that file of the library just so
#   sh run          commands, run from the root of the sources; build/ in them is BUILD_DIR
#   text            after a program or sh run, as the next block: what it prints on standard output, where
#                   "..." stands for any text, and alone on a line for any lines
# An HTML comment <!-- before: C --> gives declarations that the next block of statements takes for granted
# and that the reader need not see. Blocks in other languages, and plain sh, are not looked at.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
build=$1
shift
# shellcheck disable=SC2046 # names without spaces
[ $# -gt 0 ] || set -- README.md $(find docs -name '*.md' | sort)
work=$root/$build/docs
compile="${CC-gcc} -std=gnu11 -O1 -I$root -Werror -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wvla"
link="-L$root/$build -Wl,-rpath,$root/$build -ltapegrad -lm"
bad=0

fail() {
    echo "FAIL docs: $place: $1"
    bad=1
}

check_output() {
    [ -f "$block/expected" ] || return 0
    awk -f tests/docs/compare_output.awk "$block/expected" "$block/printed" && return 0
    diff -u "$block/expected" "$block/printed" | sed '1,2d'
    fail "prints something else than the page says (- the page, + printed)"
    return 1
}

check_program() {
    name=$(cat "$block/name")
    mkdir "$block/here"
    cp "$block/code" "$block/$name"
    # shellcheck disable=SC2086 # lists of words
    (cd "$block" && $compile -o program "$name" $link) || { fail "does not compile" && return; }
    (cd "$block/here" && timeout 60 ../program) >"$block/printed" 2>"$block/errors" </dev/null
    status=$?
    if [ $status -ne 0 ]; then
        cat "$block/printed" "$block/errors"
        fail "the program ends with status $status"
        return
    fi
    check_output && echo "ok docs: $place: program"
}

check_fragment() {
    cp "$block/code" "$block/fragment.c"
    # shellcheck disable=SC2086 # list of words
    if (cd "$block" && $compile -Wno-shadow -Wno-unused -c -o fragment.o fragment.c); then
        echo "ok docs: $place: statements"
    else
        fail "does not compile"
    fi
}

check_quote() {
    source=$(cat "$block/source")
    if [ -f "$source" ] && awk '
        FNR == NR { quoted = quoted $0 "\n"; next }
        { text = text $0 "\n" }
        END { exit !index("\n" text, "\n" quoted) }' "$block/code" "$source"; then
        echo "ok docs: $place: quotes $source"
    else
        fail "these lines do not stand in $source"
    fi
}

check_shell() {
    sed "s|\\(^\\|[ \"']\\)\\(\\./\\)\\{0,1\\}build/|\\1$build/|g" "$block/code" >"$block/commands"
    timeout 120 sh -e "$block/commands" >"$block/printed" 2>"$block/errors" </dev/null
    status=$?
    if [ $status -ne 0 ]; then
        cat "$block/printed" "$block/errors"
        fail "the commands end with status $status"
        return
    fi
    check_output && echo "ok docs: $place: commands"
}

rm -rf "$work"
mkdir -p "$work"
first=0
for page in "$@"; do
    awk -v work="$work" -v first="$first" -f tests/docs/extract_blocks.awk "$page" || exit 1
    first=$((first + 1000))
done
for block in "$work"/*; do
    [ -d "$block" ] || continue
    place=$(cat "$block/place")
    case $(cat "$block/kind") in
        program) check_program ;;
        fragment) check_fragment ;;
        quote) check_quote ;;
        shell) check_shell ;;
        *) fail "the line that opens this block is not understood (tests/docs/run_blocks.sh says what is)" ;;
    esac
done
exit $bad
