# Puts the files named between at signs into the page: texts that are alone on their line as they are, others in base64.
function text(path,    line) { while ((getline line < path) > 0) print line; close(path) }
function base64(path,    line, all, command) {
    command = "base64 -w 0 '" path "'"
    while ((command | getline line) > 0) all = all line
    close(command)
    return all
}
/^@.*@$/ { text(substr($0, 2, length($0) - 2)); next }
/@.*@/ {
    count = split($0, parts, "@")
    for (i = 1; i <= count; i++)
        printf "%s", i % 2 ? parts[i] : base64(parts[i] == "weights" ? weights : out "/" parts[i])
    print ""
    next
}
{ print }
