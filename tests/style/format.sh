#!/bin/sh
# format.sh: every C file is as clang-format (.clang-format) leaves it. With --write it is made so.
set -u
cd "$(dirname "$0")/../.." || exit 1
files=$(find tapegrad.h core graph ops models tests -name '*.[ch]' | sort)

if [ "${1-}" = --write ]; then
    # shellcheck disable=SC2086 # names without spaces
    clang-format -i $files
    exit
fi
status=0
for file in $files; do
    clang-format --dry-run -Werror "$file" && continue
    echo "FAIL format: $file (./run format mends it)"
    status=1
done
[ $status -ne 0 ] || echo "ok format: $(echo "$files" | wc -l) files"
exit $status
