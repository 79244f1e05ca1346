#!/bin/sh
# check_answers.sh BUILD_DIR: every exercise has a page, hints and a solution; its solution passes, the file that
# the learner begins with fails and says something, and each typical wrong answer fails with the words that its
# first line expects.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$1
bad=0
EXERCISE_FLAGS='-Werror -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla'
export EXERCISE_FLAGS

fail() {
    echo "FAIL exercises: $1"
    [ $# -lt 2 ] || echo "$2" | sed 's/^/    /'
    bad=1
}

try() { timeout 60 sh docs/exercises/exercise.sh "$build" "$@" 2>&1; }

check_exercise() {
    folder=$1 name=${1##*/[0-9][0-9]_}
    for part in README.md "$name.c" "$name.h" "${name}_check.c" hints.txt; do
        [ -s "$folder/$part" ] || fail "$folder has no $part"
    done
    if said=$(try "$name"); then fail "$name passes as it stands" "$said"; fi
    case $said in *WRONG*) ;; *) fail "$name fails without saying what is wrong" "$said" ;; esac
    said=$(try "$name" --file "tests/exercises/${name}_solution.c") || fail "the solution of $name fails" "$said"
    wrong=0
    for answer in tests/exercises/"${name}"_wrong_*.c; do
        expected=$(sed -n '1s/.*: expects: \(.*\) \*\/$/\1/p' "$answer")
        [ -n "$expected" ] || fail "the first line of $answer does not say what it expects"
        wrong=$((wrong + 1))
        if said=$(try "$name" --file "$answer"); then
            fail "$answer passes" "$said"
        else
            case $said in
                *'does not compile'*) fail "$answer does not compile" "$said" ;;
                *"$expected"*) ;;
                *) fail "$answer is not told \"$expected\"" "$said" ;;
            esac
        fi
    done
    [ -f "$answer" ] || fail "$name has no wrong answers"
    [ $bad -ne 0 ] || echo "ok exercises: $name: begun, solved, and $wrong wrong answers"
}

for folder in docs/exercises/[0-9][0-9]_*; do check_exercise "$folder"; done
exit $bad
