#!/bin/sh
# sources.sh: every source is in a list of meson.build or tests/meson.build, and a header is either in the
# list of public headers or says "Internal: not installed" in its opening comment.
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0

fail() {
    echo "FAIL sources: $1"
    bad=1
}

internal() { head -n 20 "$1" | tr -s '\n* ' ' ' | grep -q 'Internal: not installed'; }

for file in $(find tapegrad.h core graph ops models -name '*.[ch]' | sort); do
    listed=no
    ! grep -qF "'$file'" meson.build || listed=yes
    case $file in
        *.c) [ $listed = yes ] || fail "$file is in no list of meson.build" ;;
        *.h)
            if internal "$file"; then
                [ $listed = no ] || fail "$file says it is internal, and is in the list of public headers"
            else
                [ $listed = yes ] || fail "$file is neither in the list of public headers nor marked as internal"
            fi
            ;;
    esac
done
for file in $(cd tests && find core graph ops models threads bench fuzz -name '*.c' 2>/dev/null | sort); do
    grep -qF "'$file'" tests/meson.build || fail "tests/$file is in no list of tests/meson.build"
done

[ $bad -ne 0 ] || echo "ok sources: all are in a list"
exit $bad
