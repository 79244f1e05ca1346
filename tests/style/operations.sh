#!/bin/sh
# operations.sh BUILD_DIR: ops/ops.def lists every operation that ops/ defines, and no other.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$1/operations
mkdir -p "$work"

awk -F '[()]' '/^TG_OP\(/ { print $2 }' ops/ops.def | sort >"$work/listed"
nm --defined-only "$1"/libtapegrad.a | awk '/^ops_.*:$/ { own = 1 } /^[^ ]*:$/ && !/^ops_/ { own = 0 }
    own && $2 ~ /^[BDR]$/ && sub(/^tg_op_/, "", $3) { print $3 }' | sort >"$work/defined"

if diff -U 0 "$work/listed" "$work/defined" | grep '^[-+][a-z]'; then
    echo 'FAIL operations: ops/ops.def (-) and the operations that ops/ defines (+) differ'
    exit 1
fi
echo "ok operations: all $(wc -l <"$work/listed") are in ops/ops.def"
