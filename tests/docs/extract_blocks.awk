# extract_blocks.awk: takes the code blocks out of one Markdown file, for run_blocks.sh, which says what the
# words after ``` mean. Writes, for each block, a folder WORK/NUMBER with the files
#   place (FILE:LINE), kind (program, fragment, quote, shell), code, name or source, and perhaps expected.

function write(file, text) {
    printf "%s", text > (folder "/" file)
    close(folder "/" file)
}

function open_folder(kind) {
    folder = sprintf("%s/%05d", work, first + n++)
    system("mkdir -p " folder)
    write("place", place "\n")
    write("kind", kind "\n")
}

function prelude() {
    return "#include <tapegrad.h>\n#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n" \
           "#include <string.h>\n" file_scope
}

# A C block, with what its info string says: second is the word after c, third the one after that.
function end_c() {
    if (second == "source") {
        open_folder("quote")
        write("source", third "\n")
        write("code", text)
    } else if (text ~ /int main\(/) {
        open_folder("program")
        write("name", name "\n")
        write("code", (second == "more" ? file_scope : "") text)
    } else {
        open_folder("fragment")
        if (second == "file") file_scope = file_scope text
        else if (second == "more") body = body before text
        else body = before text
        if (second == "file") write("code", prelude())
        else write("code", prelude() "static int fragment(tg_tape *tape) {\n(void)tape;\n{\n" body \
                           "}\nreturn 0;\n}\n")
        if (second != "" && second != "file" && second != "more") write("kind", "unknown\n")
    }
    before = ""
}

function end_block() {
    if (language == "c") end_c()
    else if (language == "sh" && second == "run") {
        open_folder("shell")
        write("code", text)
    } else if ((language == "text" || language == "output") && printing) write("expected", text)
    printing = language == "c" && text ~ /int main\(/ || language == "sh" && second == "run"
}

BEGIN { n = 0 }

!inside && /^ *```/ {
    inside = 1
    indent = match($0, /`/) - 1
    info = substr($0, indent + 4)
    n_words = split(info, word, " ")
    language = word[1]; second = word[2]; third = word[3]
    name = "example.c"
    for (i = 2; i <= n_words; i++) if (word[i] ~ /\.c$/) name = word[i]
    place = FILENAME ":" FNR
    text = ""
    next
}
inside && /^ *```[ \t]*$/ { inside = 0; end_block(); next }
inside {
    line = $0
    for (i = 0; i < indent && substr(line, 1, 1) == " "; i++) line = substr(line, 2)
    text = text line "\n"
    next
}

# <!-- before: C, perhaps over several lines -->
/^ *<!-- before:/ { hidden = 1; sub(/^ *<!-- before:/, "") }
hidden {
    line = $0
    if (sub(/-->.*/, "", line)) hidden = 0
    before = before line "\n"
}

END { if (inside) { open_folder("unknown"); write("code", "") } }
