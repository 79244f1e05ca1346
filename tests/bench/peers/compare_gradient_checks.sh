#!/bin/sh
# compare_gradient_checks.sh BUILD_DIR: the same planted mistakes before tg_gradcheck and before PyTorch's gradcheck, as the
# table of docs/gradient_checking.md. PYTHON is the interpreter that has PyTorch (python3; Debian's package is
# python3-torch).
set -u
cd "$(dirname "$0")/../../.." || exit 1
build=${1-build}
work=$build/peers
mkdir -p "$work"

meson compile -C "$build" planted_mistakes >/dev/null || exit 1
"$build/tests/planted_mistakes" >"$work/ours.txt" || exit 1
"${PYTHON-python3}" tests/bench/peers/pytorch_planted_mistakes.py >"$work/theirs.txt" || exit 1

echo '| planted | tg_gradcheck | fast | who is named | PyTorch gradcheck | fast | names the operation |'
echo '|---|---|---|---|---|---|---|'
paste "$work/ours.txt" "$work/theirs.txt" | awk -F'\t' '
    $1 != $5 { print "the rows differ: " $1 " and " $5 >"/dev/stderr"; exit 1 }
    { print "| " $1 " | " $2 " | " $3 " | " $4 " | " $6 " | " $7 " | " $8 " |" }'
