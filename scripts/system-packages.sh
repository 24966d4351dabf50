#!/bin/sh
# Installs the system packages that $1 (test, check, dashboards, bench or soak) needs and that are missing: through
# apt, if we are root or may become it without a password; else it names them and fails.
#     system-packages.sh test|check|dashboards|bench|soak
#     system-packages.sh venv PACKAGE     (for make-venv.sh: this one package)
set -eu
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # nginx and ip live there; a user's PATH on Debian lacks it

missing="" # one word for each need: its packages, the best first, joined by |

has() {
    for word in "$@"; do
        case $word in
            /*) test -e "$word" && return ;;
            *) command -v "$word" >/dev/null && return ;;
        esac
    done
    return 1
}

# need PACKAGE[|PACKAGE…] COMMAND-OR-FILE…: any one of the commands or files will do. Packages beyond the
# first are where other releases of Debian and Ubuntu keep the same thing.
need() {
    packages=$1
    shift
    has "$@" || missing="$missing $packages"
}

need_promtool() { need 'promtool|prometheus' promtool; }
need_ingest() {
    need ffmpeg ffmpeg
    need nginx nginx
    need libnginx-mod-rtmp /usr/lib/nginx/modules/ngx_rtmp_module.so
}

case ${1-} in
    check)
        need_promtool
        ;;
    dashboards)
        need prometheus prometheus
        need_promtool
        ;;
    bench)
        need_ingest
        ;;
    soak)
        need_ingest
        need iproute2 ip
        need faketime faketime
        ;;
    test)
        need_ingest
        need prometheus prometheus
        need_promtool
        need prometheus-alertmanager prometheus-alertmanager
        need prometheus-alertmanager amtool
        need iproute2 ip
        need faketime faketime
        need systemd systemd-analyze
        has /usr/lib/postgresql/*/bin/postgres || missing="$missing postgresql"
        need 'chromium|chromium-browser' chromium chromium-browser
        need fonts-dejavu-core /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
        ;;
    venv)
        missing=$2
        ;;
    *)
        echo "usage: $0 test|check|dashboards|bench|soak" >&2
        exit 2
        ;;
esac

[ -n "$missing" ] || exit 0

# Of each need, the first package that apt knows (the first of all if it knows none), each package once.
chosen() {
    choices=""
    for packages in $missing; do
        choice=${packages%%|*}
        for package in $(echo "$packages" | tr '|' ' '); do
            if [ -n "$(apt-cache madison "$package" 2>/dev/null)" ]; then
                choice=$package
                break
            fi
        done
        case "$choices " in
            *" $choice "*) ;;
            *) choices="$choices $choice" ;;
        esac
    done
    echo "$choices"
}

if ! command -v apt-get >/dev/null; then
    echo "missing, and there is no apt here to install them with:$missing" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        exec sudo -n sh "$0" "$@"
    fi
    echo "missing, and installing needs root; please run:  apt-get install --no-install-recommends$(chosen)" >&2
    exit 1
fi

# nginx, Prometheus and Alertmanager are wanted as programs for tests. As services they would take ports
# and, on somebody's own machine, be a nasty surprise. policy-rc.d is Debian's way to say "install, do not
# start"; one that is there already has its owner's reasons and stays.
policy=/usr/sbin/policy-rc.d
services="nginx prometheus prometheus-alertmanager postgresql"
unit() { find /lib/systemd/system /usr/lib/systemd/system -name "$1.service" 2>/dev/null; }

strangers="" # services that are not here yet
for service in $services; do [ -n "$(unit "$service")" ] || strangers="$strangers $service"; done

if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
install=$(chosen)
echo "installing:$install"
# shellcheck disable=SC2086 # one word for each package
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 $install >/dev/null

# Not started now, and not at the next boot either.
if command -v systemctl >/dev/null; then
    for service in $strangers; do
        [ -z "$(unit "$service")" ] || systemctl --quiet disable "$service" 2>/dev/null || true
    done
fi
