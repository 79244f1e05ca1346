#!/bin/sh
# names.sh: a file of the library has a name of its own that says what it is about, opens with a comment
# that names it, and leaves nothing to be done later.
set -u
cd "$(dirname "$0")/../.." || exit 1
files=$(find tapegrad.h core graph ops models tests docs -name '*.[ch]' | sort)
bad=0

fail() {
    echo "FAIL names: $1"
    bad=1
}

for twice in $(find core graph ops models tests docs -name '*.c' -exec basename {} \; | sort | uniq -d); do
    fail "$twice is the name of several files"
done
for file in $files; do
    case ${file##*/} in
        *util* | *common* | *misc* | *helper*) fail "$file does not say what it is about" ;;
    esac
    head -n 1 "$file" | grep -qF "/* ${file##*/}: " || fail "$file does not open with /* ${file##*/}: ..."
done
unfinished=$(printf 'TO%s|FIX%s|XX%s' DO ME X)
# shellcheck disable=SC2086 # names without spaces
for place in $(grep -nwE "$unfinished" $files | cut -d: -f1,2); do fail "$place is unfinished"; done

[ $bad -ne 0 ] || echo "ok names: $(echo "$files" | wc -l) files"
exit $bad
