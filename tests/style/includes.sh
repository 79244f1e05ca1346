#!/bin/sh
# includes.sh: includes run one way, core <- graph <- ops <- models, and name the folder they reach into.
# The tests may include anything of the library; nothing of the library may include a test.
set -u
cd "$(dirname "$0")/../.." || exit 1

find core graph ops models -name '*.[ch]' | sort | xargs awk '
    BEGIN { rank["core"] = 1; rank["graph"] = 2; rank["ops"] = 3; rank["models"] = 4 }
    FNR == 1 { files++; own = FILENAME; sub(/\/.*/, "", own) }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        name = $0
        sub(/^[^"]*"/, "", name)
        sub(/".*/, "", name)
        folder = name
        wrong = ""
        if (name == "tapegrad.h") folder = "ops"
        else if (!sub(/\/.*/, "", folder)) wrong = "names no folder"
        if (wrong == "" && !(folder in rank)) wrong = "is outside the library"
        else if (wrong == "" && rank[folder] > rank[own]) wrong = "looks up: " own " must not know " folder
        if (wrong != "") {
            printf "FAIL includes: %s:%d: \"%s\" %s\n", FILENAME, FNR, name, wrong
            bad = 1
        }
    }
    END {
        if (!bad) print "ok includes: " files " files, core <- graph <- ops <- models"
        exit bad
    }'
