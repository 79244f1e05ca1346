#!/bin/sh
# lengths.sh: a file has at most 600 lines (a note is printed from 400), a function or a macro at most 60.
#
# A function is what starts in the first column, has parentheses, opens a brace at the end of a line and
# closes it in the first column: what clang-format makes of every function.
set -u
cd "$(dirname "$0")/../.." || exit 1

{
    find tapegrad.h core graph ops models tests docs -name '*.[ch]' | sort
    find run tests docs -name '*.sh' | sort
    echo run
} | xargs awk -v longest_file=600 -v long_file=400 -v longest_function=60 '
    function end_file() {
        if (lines > longest_file) fail(name ": has " lines " lines, at most " longest_file " are allowed")
        else if (lines > long_file) print "note lengths: " name " has " lines " lines"
        files++
    }
    function end_block(what) {
        if (FNR - start + 1 > longest_function)
            fail(name ":" start ": " what " of " FNR - start + 1 " lines, at most " longest_function \
                 " are allowed: " head)
        functions++
        inside = ""
    }
    function fail(text) { print "FAIL lengths: " text; bad = 1 }

    FNR == 1 { if (NR > 1) end_file(); name = FILENAME; inside = ""; head = "" }
    { lines = FNR }

    # Macros over several lines.
    inside == "" && /^[ \t]*#[ \t]*define.*\\$/ { inside = "macro"; start = FNR; head = $0; next }
    inside == "macro" { if (!/\\$/) end_block("macro"); next }

    # Functions, in C and in the shell. The head may run over several lines.
    inside == "" && /^[A-Za-z_]/ { start = FNR; head = $0 }
    inside == "" && head != "" && /^[ \t]/ && FNR > start { head = head $0 }
    inside == "" && /^}/ { head = "" }
    inside == "" && /;$/ { head = "" }
    inside == "" && head ~ /\(/ && head !~ /^extern "C"/ && /\{$/ { inside = "function"; next }
    inside == "function" && /^}/ { sub(/[ \t]*\{$/, "", head); end_block("function"); head = "" }

    END {
        end_file()
        if (!bad) print "ok lengths: " files " files, " functions " functions"
        exit bad
    }'
