#!/bin/sh
# exercise.sh: builds and checks exercises. ./run exercise and ./run exercises call it when they have built the
# library.
#
#   exercise.sh BUILD_DIR                     lists the exercises with their state
#   exercise.sh BUILD_DIR NAME                checks docs/exercises/NUMBER_NAME/NAME.c
#   exercise.sh BUILD_DIR NAME --hint         prints one more hint
#   exercise.sh BUILD_DIR NAME --file FILE.c  checks FILE.c in its place
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$1
work=$build/exercises
compile="${CC-cc} -std=gnu11 -O1 -Wall -Wextra ${EXERCISE_FLAGS-} -I. -Idocs/exercises"
mkdir -p "$work"

# Sets $folder to the folder of an exercise.
find_exercise() {
    for folder in docs/exercises/[0-9][0-9]_"$1"; do [ ! -d "$folder" ] || return 0; done
    echo "There is no exercise \"$1\"; ./run exercises lists them." >&2
    return 1
}

# compiled SOURCE OBJECT: compiles what every check shares, unless it has been.
compiled() {
    [ ! -f "$2" ] || [ -n "$(find "$1" "${1%.c}.h" tapegrad.h core graph ops models -name '*.[ch]' -newer "$2")" ] ||
        return 0
    $compile -c -o "$2" "$1"
}

# check NAME FILE: builds FILE with the check of the exercise, and runs it.
check() {
    name=$1 file=$2
    for shared in exercise_desk exercise_network; do
        compiled "docs/exercises/$shared.c" "$work/$shared.o" || return 1
    done
    # shellcheck disable=SC2086 # lists of words
    if ! $compile -I"$folder" -o "$work/$name" "$file" "$folder/${name}_check.c" "$work/exercise_desk.o" \
        "$work/exercise_network.o" -L"$build" -Wl,-rpath,"$PWD/$build" -ltapegrad -lm; then
        echo "$file does not compile; the first message says where."
        return 1
    fi
    "$work/$name"
}

# One more hint each time; after the last, from the first again.
hint() {
    hints=$folder/hints.txt
    n=$(($(grep -c '^--$' "$hints") + 1))
    next=1
    [ ! -f "$work/$1.hint" ] || next=$(($(cat "$work/$1.hint") % n + 1))
    awk -v wanted="$next" 'BEGIN { at = 1 } /^--$/ { at++; next } at == wanted' "$hints"
    echo "(hint $next of $n)"
    echo "$next" >"$work/$1.hint"
}

list() {
    for folder in docs/exercises/[0-9][0-9]_*; do
        name=${folder##*/[0-9][0-9]_}
        state='to do'
        ! check "$name" "$folder/$name.c" >"$work/$name.txt" 2>&1 || state=done
        printf '%-5s  %-20s %s\n' "$state" "$name" "$(sed -n '1s/^# //p' "$folder/README.md")"
    done
    echo
    echo 'docs/exercises/ has a folder for each, with its page, README.md, and the file to change.'
    echo './run exercise NAME checks one; ./run exercise NAME --hint helps.'
}

[ $# -gt 1 ] || { list && exit; }
find_exercise "$2" || exit 2
case ${3-} in
    '') check "$2" "$folder/$2.c" ;;
    --hint) hint "$2" ;;
    --file) check "$2" "$4" ;;
    *) echo "$3 is not understood; ./run help says what is." >&2 && exit 2 ;;
esac
