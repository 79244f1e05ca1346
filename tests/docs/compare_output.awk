# compare_output.awk: awk -f compare_output.awk EXPECTED PRINTED succeeds when both have the same lines, white
# space at their ends and empty lines at the end of the files apart. In what is expected, "..." stands for
# any characters, and alone on a line for any lines, none too.

function trim(line) { sub(/[ \t\r]+$/, "", line); return line }

# Whether text fits pattern, in which "..." stands for anything.
function fits(pattern, text,    parts, count, i, at) {
    count = split(pattern, parts, /\.\.\./)
    if (substr(text, 1, length(parts[1])) != parts[1]) return 0
    if (count == 1) return text == parts[1]
    text = substr(text, length(parts[1]) + 1)
    for (i = 2; i < count; i++) {
        at = index(text, parts[i])
        if (!at && parts[i] != "") return 0
        if (parts[i] != "") text = substr(text, at + length(parts[i]))
    }
    return length(text) >= length(parts[count]) &&
           substr(text, length(text) - length(parts[count]) + 1) == parts[count]
}

function is_gap(line) { return line ~ /^[ \t]*\.\.\.$/ }

FILENAME == ARGV[1] { expected[++n_expected] = trim($0); next }
{ printed[++n_printed] = trim($0) }

# reach[j]: the expected lines so far fit the first j printed ones.
END {
    while (n_expected > 0 && expected[n_expected] == "") n_expected--
    while (n_printed > 0 && printed[n_printed] == "") n_printed--
    reach[0] = 1
    for (i = 1; i <= n_expected; i++) {
        gap = is_gap(expected[i])
        for (j = n_printed; j >= 1; j--) if (!gap) reach[j] = reach[j - 1] && fits(expected[i], printed[j])
        if (gap) for (j = 1; j <= n_printed; j++) reach[j] = reach[j] || reach[j - 1]
        else reach[0] = 0
    }
    exit !reach[n_printed]
}
