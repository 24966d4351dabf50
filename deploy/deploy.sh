#!/bin/sh
# Brings what is checked out here on air with Docker Compose, and fails unless it really runs: a container that is only
# restarted goes on with the code that it was built from, and a file that an image lacks fails when it is needed.
#     deploy/deploy.sh            build, check, start anew what changed, and prove it
#     deploy/deploy.sh --force    the same, with nothing from the build cache and with fresh base images
#     deploy/deploy.sh --check    only tell whether what runs is what is checked out
# What is on air stays on air until the new image is built and has passed, and an image that has not is not started by a
# later `docker compose up` either. Exit code: 0, it runs as it is checked out;
# 1, it does not; 2, wrong usage.
set -eu
cd "$(dirname "$0")/.."

force="" only_check=""
for argument in "$@"; do
    case $argument in
        --force) force=yes ;;
        --check) only_check=yes ;;
        *)
            sed -n '2,/^set/{/^#/s/^# \{0,1\}//p;}' "$0" >&2
            exit 2
            ;;
    esac
done

step() { printf '== %s\n' "$*"; }
fail() {
    printf 'deploy: %s\n' "$*" >&2
    exit 1
}

# What an image is made of. Whatever of it is not committed becomes part of the revision.
parts="Dockerfile .dockerignore constraints.txt pyproject.toml supervisor exporter deploy/container deploy/ingest"

# hashes PATH…: sha256sum's lines for all files there that go into an image.
hashes() { find "$@" -name __pycache__ -prune -o -type f -print | LC_ALL=C sort | tr '\n' '\0' | xargs -0 sha256sum; }

revision() {
    commit=$(git rev-parse --short=12 HEAD) || return 1
    # shellcheck disable=SC2086 # one word for each part
    if [ -z "$(git status --porcelain -- $parts)" ]; then
        echo "$commit"
    else
        echo "$commit-changed-$(hashes $parts | sha256sum | cut -c 1-8)"
    fi
}

images="neverdark:local neverdark-ingest:local"
before="" # what these names stood for: "NAME ID", a line each

# refuse WHY: give the names back to the images that they had before the build, and end.
refuse() {
    echo "$before" | while read -r image id; do
        if [ -n "$id" ]; then docker tag "$id" "$image"; fi
    done
    fail "$*; what was on air still is"
}

# proven WAIT: the running container says itself what it is.
proven() { docker compose exec -T neverdark python3 -c "$(cat deploy/check_running.py)" "$NEVERDARK_REVISION" "$1"; }

NEVERDARK_REVISION=$(revision) || fail "what is checked out here cannot be told: is this a git checkout of yours?"
export NEVERDARK_REVISION

if [ -n "$only_check" ]; then
    proven no || fail "what runs is not shown to be what is checked out, and watched (see above); deploy/deploy.sh brings it on air"
    exit 0
fi

step "configuration of Compose"
docker compose config --quiet || fail "docker-compose.yml, or what it was given, is not right; nothing was changed"

step "building $NEVERDARK_REVISION"
for image in $images; do
    before="$before
$(docker image inspect --format "$image {{.Id}}" "$image" 2>/dev/null || true)"
done
docker compose build ${force:+--no-cache --pull} || refuse "the image cannot be built"

step "every file and module in the image"
hashes supervisor exporter | docker compose run --rm --no-deps -T --entrypoint /opt/neverdark/bin/python neverdark \
    -c "$(cat deploy/check_image.py)" || refuse "the image is not whole, or no container can be made of it (see above)"

step "configurations"
docker compose run --rm --no-deps -T neverdark check || refuse "neverdark would refuse this"
docker compose run --rm --no-deps -T --entrypoint promtool prometheus check config /etc/prometheus/prometheus.yml ||
    refuse "Prometheus would refuse this"
# receivers.sh makes Alertmanager's configuration, has it checked, and says what is on.
docker compose run --rm --no-deps -T alertmanager true || refuse "Alertmanager would refuse this"

step "starting what changed"
docker compose up --detach --no-build --remove-orphans || fail "not everything started: docker compose ps; docker compose logs"
# Compose looks at its own file alone: what mounted files say must be read anew. Not with `docker compose kill`, not even
# for SIGHUP: Docker takes a container that was sent a signal for stopped on purpose, and would not start it at a boot.
docker compose exec -T prometheus sh -c "kill -HUP 1" || fail "Prometheus does not run: docker compose logs prometheus"
docker compose restart alertmanager grafana || fail "they cannot be started anew: docker compose ps; docker compose logs"

step "is it what is checked out, and does it watch?"
if ! proven yes; then
    docker compose logs --tail 20 neverdark >&2
    fail "what runs is not as it should be"
fi
docker compose up --detach --no-build --wait --wait-timeout 180 || fail "not everything is healthy: docker compose ps"
docker image prune --force --filter label=org.opencontainers.image.title=neverdark >/dev/null || true # half a gigabyte each
step "on air: $NEVERDARK_REVISION"
