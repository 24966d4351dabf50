#!/bin/sh
# Makes the configuration that Alertmanager runs with: alertmanager.yml, with every receiver of receivers.d/ that has its
# files in SECRETS. Then runs COMMAND, if there is one, in its own place.
#     receivers.sh SECRETS CONFIG [COMMAND [ARGUMENT…]]
# One line a receiver tells what is on. Exit code: 0, also with nothing on; 1, a receiver has only half of its files, or
# its files are refused: it stays off, all others are on, and COMMAND runs all the same; 2, nothing could be written.
#
# Some secrets must stand in CONFIG itself, because Alertmanager 0.25 reads them from nowhere else: so only its owner can
# read it, and a new value in SECRETS means that this must run again. Runs where Alertmanager does, on BusyBox, too.
set -eu
umask 077

if [ $# -lt 2 ] || [ ! -d "$1" ]; then
    echo "usage: $0 SECRETS CONFIG [COMMAND [ARGUMENT...]]   (SECRETS: a directory)" >&2
    exit 2
fi
secrets=$(cd "$1" && pwd) config=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
next=$config.next
trap 'rm -f "$next"' EXIT
status=0

# there NAME: this file is in place, and not empty.
there() { [ -s "$secrets/$1" ]; }

# field RECEIVER NAME: what its file says after "# NAME: ", without remarks in parentheses.
field() { sed -n "s/^# $2: //p" "$here/receivers.d/$1.yml" | sed 's/([^)]*)//g'; }

complain() {
    echo "$1: OFF, $2" >&2
    status=1
}

# wanted RECEIVER: all that it needs is in place. If only a part is, it says so.
wanted() {
    found="" lacking=""
    for need in $(field "$1" needs); do # one file, or one of several: a|b
        have=""
        for name in $(echo "$need" | tr '|' ' '); do
            if there "$name"; then have=$name; fi
        done
        if [ -n "$have" ]; then found="$found $have"; else lacking="$lacking $need"; fi
    done
    for name in $(tr -s "'@|() " '\n' <"$here/receivers.d/$1.yml" | sed -n "s/^\(file:\)\{0,1\}\($1-[a-z0-9-]*\)$/\2/p"); do
        if there "$name" && [ ! -r "$secrets/$name" ]; then
            complain "$1" "$secrets/$name cannot be read by user $(id -u)"
            return 1
        fi
    done
    if [ -z "$lacking" ]; then return 0; fi
    if [ -n "$found" ]; then
        complain "$1" "it has$found, and lacks$lacking (in $secrets)"
    else
        echo "$1: off (needs$lacking)"
    fi
    return 1
}

# used RECEIVER: what it is used for: the first line of SECRETS/RECEIVER-for, else what its file says.
used() { if there "$1-for"; then head -n 1 "$secrets/$1-for" | tr -d '\r'; else field "$1" for; fi; }

# filled RECEIVER: its file, without remarks, with values for '@NAME@' and paths for '@file:NAME@'. A line whose file is
# not in place is left out.
filled() {
    awk -v secrets="$secrets" '
        function quoted(text) { gsub(/\047/, "\047\047", text); return "\047" text "\047" }
        /^#/ { next }
        match($0, /\047@[a-z0-9:-]+@\047/) {
            name = substr($0, RSTART + 2, RLENGTH - 4)
            path = sub(/^file:/, "", name)
            file = secrets "/" name
            value = ""
            if ((getline value < file) > 0) { gsub(/^[ \t]+|[ \t\r]+$/, "", value) }
            close(file)
            if (value == "") next
            if (path) value = quoted(file)
            else if (value !~ /^(-?[0-9]+|true|false)$/) value = quoted(value)
            $0 = substr($0, 1, RSTART - 1) value substr($0, RSTART + RLENGTH)
        }
        { print }
    ' "$here/receivers.d/$1.yml"
}

# integrations RECEIVER…: all of them as one receiver has them: each kind once, with a list.
integrations() {
    for receiver in "$@"; do filled "$receiver"; done | awk '
        /^[a-z]/ { kind = $1; if (!(kind in items)) kinds[++count] = kind; next }
        { items[kind] = items[kind] "    " $0 "\n" }
        END { for (i = 1; i <= count; i++) printf "    %s\n%s", kinds[i], items[kinds[i]] }
    '
}

# purpose NAME RECEIVER…: those that are used for it; for a test, whoever reaches a person.
purpose() {
    name=$1
    shift
    for receiver in "$@"; do
        case " $(used "$receiver") " in
            *" $name "*) echo "$receiver" ;;
            " heartbeat ") ;;
            *) if [ "$name" = test ]; then echo "$receiver"; fi ;;
        esac
    done
}

# whole RECEIVER…: the configuration with these.
whole() {
    while IFS= read -r line; do
        case $line in
            "  - templates/"*) printf "  - '%s'\n" "$(echo "$here/${line#  - }" | sed "s/'/''/g")" ;;
            *) printf '%s\n' "$line" ;;
        esac
        case $line in
            "  - name: page" | "  - name: ticket" | "  - name: info" | "  - name: heartbeat" | "  - name: test")
                # shellcheck disable=SC2046 # one word for each receiver
                integrations $(purpose "${line##* }" "$@")
                ;;
        esac
    done <"$here/alertmanager.yml"
}

# What amtool says may hold a secret, and this may go to a log: it is not shown.
refused() { command -v amtool >/dev/null && ! amtool check-config "$next" >/dev/null 2>&1; }

rm -f "$next"
if ! : >"$next"; then exit 2; fi
complete=""
for file in "$here"/receivers.d/*.yml; do
    receiver=$(basename "$file" .yml)
    if wanted "$receiver"; then complete="$complete $receiver"; fi
done
# shellcheck disable=SC2086 # one word for each receiver
whole $complete >"$next"
on=$complete
if refused; then # whose fault is it? The others must not suffer.
    on=""
    for receiver in $complete; do
        whole "$receiver" >"$next"
        if refused; then
            complain "$receiver" "Alertmanager would refuse what its files in $secrets say"
        else
            on="$on $receiver"
        fi
    done
    # shellcheck disable=SC2086
    whole $on >"$next"
fi
for receiver in $on; do echo "$receiver: on, for $(used "$receiver")"; done
mv "$next" "$config" || exit 2
trap - EXIT
if [ $# -gt 0 ]; then exec "$@"; fi
exit "$status"
