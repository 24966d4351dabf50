#!/bin/sh
# Makes the configuration that Alertmanager runs with: alertmanager.yml, with every receiver of receivers.d/ that has its
# files in SECRETS. Then runs COMMAND, if there is one, in its own place.
#     receivers.sh SECRETS CONFIG [COMMAND [ARGUMENT…]]
# One line a receiver tells what is on. Exit code: 0, also with nothing on; 1, a receiver has only half of its files, or
# its files are refused: it stays off, all others are on, and COMMAND runs all the same; 2, nothing could be written, or
# alertmanager.yml itself is wrong: CONFIG stays as it was, and COMMAND runs with it if there is one.
#
# What is refused is known only where amtool is on PATH, as it is in Alertmanager's image. Some secrets must stand in CONFIG itself, because Alertmanager 0.25 reads them from nowhere else: so only its owner can
# read it, and a new value in SECRETS means that this must run again. Runs where Alertmanager does, on BusyBox, too.
set -eu
umask 077

if [ $# -lt 2 ] || [ ! -d "$1" ]; then
    echo "usage: $0 SECRETS CONFIG [COMMAND [ARGUMENT...]]   (SECRETS: a directory)" >&2
    exit 2
fi
secrets=$1 config=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
next=$config.next
trap 'rm -f "$next"' EXIT
status=0

if entered=$(cd "$secrets" 2>/dev/null && pwd); then
    secrets=$entered
else
    echo "user $(id -u) cannot enter $secrets: every receiver is OFF" >&2
    status=1
fi

# there NAME: this file is in place, and not empty.
there() { [ -f "$secrets/$1" ] && [ -s "$secrets/$1" ]; }

# field RECEIVER NAME: what its file says after "# NAME: ", without remarks in parentheses.
field() { sed -n "s/^# $2: //p" "$here/receivers.d/$1.yml" | sed 's/([^)]*)//g'; }

complain() {
    echo "$1: OFF, $2" >&2
    status=1
}

# wrong RECEIVER: what is wrong with its files, as far as can be told before Alertmanager reads them.
wrong() {
    for name in $(tr -s "'@|() " '\n' <"$here/receivers.d/$1.yml" | sed -n "s/^\(file:\)\{0,1\}\($1-[a-z0-9-]*\)$/\2/p"); do
        if ! there "$name"; then continue; fi
        if [ ! -r "$secrets/$name" ]; then
            echo "$secrets/$name cannot be read by user $(id -u)"
            return
        fi
        case $name in
            *-url)
                if [ "$(grep -c '[^[:space:]]' "$secrets/$name")" != 1 ] || ! grep -qi '^[[:space:]]*https\{0,1\}://[^[:space:]]*[[:space:]]*$' "$secrets/$name"; then
                    echo "$secrets/$name is not one line with a URL, https://…"
                    return
                fi
                ;;
            *-tls)
                if ! grep -q '^\(true\|false\)[[:space:]]*$' "$secrets/$name"; then
                    echo "$secrets/$name is neither true nor false"
                    return
                fi
                ;;
        esac
    done
}

# wanted RECEIVER: all that it needs is in place and makes sense. If only a part is or does, it says so.
wanted() {
    found="" lacking=""
    for need in $(field "$1" needs); do # one file, or one of several: a|b
        have=""
        for name in $(echo "$need" | tr '|' ' '); do
            if there "$name"; then have=$name; fi
        done
        if [ -n "$have" ]; then found="$found $have"; else lacking="$lacking $need"; fi
    done
    fault=$(wrong "$1")
    if [ -n "$fault" ]; then
        complain "$1" "$fault"
        return 1
    fi
    if [ -z "$lacking" ]; then return 0; fi
    if [ -n "$found" ]; then
        complain "$1" "it has$found, and lacks$lacking (in $secrets)"
    else
        echo "$1: off (needs$lacking)"
    fi
    return 1
}

# said_for RECEIVER: the words of SECRETS/RECEIVER-for. Fails if it cannot be read or has a word that is no severity.
said_for() {
    said=$(tr -s ', \t\r\n' ' ' 2>/dev/null <"$secrets/$1-for") || return 1
    case $said in *[!\ ]*) ;; *) return 1 ;; esac
    for word in $said; do
        case $word in page | ticket | info | heartbeat) echo "$word" ;; *) return 1 ;; esac
    done
}

# used RECEIVER: what it is used for: what SECRETS/RECEIVER-for says, else what its own file says. A slip of the pen there
# must not keep pages from anybody.
used() {
    # shellcheck disable=SC2046 # one word for each severity
    if there "$1-for" && said_for "$1" >/dev/null; then echo $(said_for "$1"); else field "$1" for; fi
}

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

# purpose NAME RECEIVER…: those that are used for it; for news, those for tickets or for info; for a test, whoever reaches a
# person. What only stands beside others
# is no one that could be told: without others, it is left out.
purpose() {
    name=$1
    shift
    chosen="" others=""
    for receiver in "$@"; do
        case " $(used "$receiver") " in
            *" $name "*) ;;
            " heartbeat ") continue ;;
            *" ticket "* | *" info "*) if [ "$name" != test ] && [ "$name" != news ]; then continue; fi ;;
            *) if [ "$name" != test ]; then continue; fi ;;
        esac
        chosen="$chosen $receiver"
        if [ -z "$(field "$receiver" beside)" ]; then others=1; fi
    done
    if [ -n "$others" ]; then echo "$chosen"; fi
}

# whole RECEIVER…: the configuration with these.
whole() {
    while IFS= read -r line; do
        case $line in
            "  - templates/"*) printf "  - '%s'\n" "$(echo "$here/${line#  - }" | sed "s/'/''/g")" ;;
            *) printf '%s\n' "$line" ;;
        esac
        case $line in
            "  - name: news") # what is new is not over some time later
                # shellcheck disable=SC2046 # one word for each receiver
                integrations $(purpose news "$@") | sed 's/^\( *\(- \)\{0,1\}send_resolved: \)true$/\1false/'
                ;;
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

fault=""
for name in page ticket info news heartbeat test; do
    if ! grep -qx "  - name: $name" "$here/alertmanager.yml"; then
        fault="it needs the line '  - name: $name', just so, to fill that receiver in"
    fi
done
whole >"$next"
if [ -z "$fault" ] && refused; then fault=$(amtool check-config "$next" 2>&1) || true; fi # no secret is in it yet
if [ -n "$fault" ]; then
    echo "alertmanager.yml or a template is wrong; $config stays as it was: $fault" >&2
    rm -f "$next"
    if [ $# -gt 0 ] && [ -s "$config" ]; then exec "$@"; fi
    exit 2
fi

complete=""
for file in "$here"/receivers.d/*.yml; do
    receiver=$(basename "$file" .yml)
    if ! wanted "$receiver"; then continue; fi
    complete="$complete $receiver"
    if there "$receiver-for" && ! said_for "$receiver" >/dev/null; then
        echo "$receiver: $receiver-for cannot be read, or says other things than page ticket info heartbeat" >&2
        status=1
    fi
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
for receiver in $on; do
    beside=$(field "$receiver" beside)
    echo "$receiver: on, for $(used "$receiver")${beside:+, beside $beside}"
done
mv "$next" "$config" || exit 2
trap - EXIT
if [ $# -gt 0 ]; then exec "$@"; fi
exit "$status"
