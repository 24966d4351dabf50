"""Dockerfile, docker-compose.yml and deploy/: what can be held against them without Docker.

deploy.sh runs against a `docker` that only writes down what it is told.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from supervisor.config.fields import MIN_TOKEN
from supervisor.config.file import load

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DEPLOY = ROOT / "deploy"
SCRIPTS = (DEPLOY / "deploy.sh", DEPLOY / "container" / "neverdark")

every_service = pytest.mark.parametrize("name", SERVICES)


def stage(name: str) -> str:
    """The part of the Dockerfile that makes this target."""
    return re.split(r"^FROM ", DOCKERFILE.split(f" AS {name}\n")[1], flags=re.MULTILINE)[0]


def defaults(text: str) -> str:
    """`text` as Compose sees it when no variable is set."""
    return re.sub(r"\$\{\w+(?::?[-+]([^}]*))?\}", lambda m: (m[1] or "") if ":-" in m[0] else "", text)


# --- Compose -----------------------------------------------------------------------------------------


@every_service
def test_each_service_comes_back_and_writes_nothing_but_its_data(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])


@every_service
def test_no_service_runs_as_root(name: str) -> None:
    user = SERVICES[name]["user"].split(":")[0]
    assert user.isdigit()
    assert int(user) > 0


@every_service
def test_each_service_has_a_health_check(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:  # the image brings it
        assert "\nHEALTHCHECK " in stage(service["build"]["target"])
    else:
        assert service["healthcheck"]["test"][0] == "CMD"


@every_service
def test_ports_are_for_this_machine_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", defaults(port))


def test_no_browser_reaches_alertmanager() -> None:
    """It takes orders from any web page, and one order silences everything."""
    assert "ports" not in SERVICES["alertmanager"]
    assert "network_mode" not in SERVICES["alertmanager"]
    assert {name for name, service in SERVICES.items() if "ports" not in service} == {"alertmanager"}
    assert "9093" not in "".join(str(service.get("ports")) for service in SERVICES.values())


def test_what_is_documented_for_alertmanager_needs_no_port() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert "ALERTMANAGER_PORT" not in text + (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert "http://localhost:9093>" not in text
    assert SERVICES["neverdark"]["environment"]["NEVERDARK_ALERTMANAGER"] == "http://alertmanager:9093"
    assert "docker compose exec neverdark neverdark alert test" in text


@every_service
def test_no_service_takes_the_machine_with_it(name: str) -> None:
    service = SERVICES[name]
    assert 0 < service["pids_limit"] <= 32768
    if name == "neverdark":
        assert "mem_limit" not in service, "one process over it would be the end of all"
        assert service["ulimits"] == {"nofile": 65536, "core": 0}
    else:
        assert service.get("mem_limit") or service["oom_score_adj"] > 0


@every_service
def test_what_is_mounted_is_there(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        if isinstance(volume, dict):
            assert volume["read_only"] is True
            source = defaults(volume["source"])
        else:
            source, *_, mode = volume.split(":")
            if not source.startswith("."):
                assert source in COMPOSE["volumes"]
                continue
            assert mode == "ro"
        assert (ROOT / source).is_dir()  # not a file: an editor that replaces it would leave the old one in there


@every_service
def test_images_of_others_are_pinned(name: str) -> None:
    service = SERVICES[name]
    if "build" not in service:
        assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", service["image"])


def test_every_volume_is_used() -> None:
    used = {str(volume).split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert set(COMPOSE["volumes"]) <= used


def test_who_waits_for_whom() -> None:
    waits = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    assert all(how["condition"] == "service_healthy" for needs in waits.values() for how in needs.values())
    assert set(waits["grafana"]) == {"prometheus"}
    assert set(waits["prometheus"]) == {"alertmanager"}, "it must tell that neverdark does not come up"


def test_history_is_kept_for_90_days() -> None:
    assert "--storage.tsdb.retention.time=90d" in SERVICES["prometheus"]["command"]


def test_prometheus_and_grafana_ask_the_services_of_these_names_and_ports() -> None:
    scrapes = (ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    sources = (ROOT / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text(encoding="utf-8")
    asked = re.findall(r"\b(neverdark|alertmanager|prometheus|grafana):(\d+)", scrapes + sources)
    assert {name for name, _ in asked} == {"neverdark", "alertmanager", "prometheus"}
    for name, port in asked:
        open_ports = [*SERVICES[name].get("ports", []), *SERVICES[name].get("expose", [])]
        assert any(published.split(":")[-1] == port for published in open_ports)


def test_dashboards_are_where_grafana_looks() -> None:
    provider = yaml.safe_load(
        (ROOT / "grafana" / "provisioning" / "dashboards" / "neverdark.yml").read_text(encoding="utf-8")
    )
    path = provider["providers"][0]["options"]["path"]
    assert f"./grafana/dashboards:{path}:ro" in SERVICES["grafana"]["volumes"]
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == path
    assert (ROOT / "grafana" / "dashboards" / home.name).is_file()


def test_the_demo_is_a_good_configuration_that_only_sends_to_the_ingest_beside_it() -> None:
    config = load(DEPLOY / "demo" / "neverdark.yml").config
    urls = {
        destination.url.get_secret_value()
        for stream in config.streams.values()
        for destination in stream.destinations.values()
    }
    assert urls == {"rtmp://ingest:1935/live"}
    assert "ingest" in SERVICES
    assert "application live " in (DEPLOY / "ingest" / "nginx.conf").read_text(encoding="utf-8")


# --- the image ---------------------------------------------------------------------------------------


def test_the_revision_is_a_build_argument() -> None:
    assert "ARG REVISION=unknown\nENV NEVERDARK_REVISION=${REVISION}\n" in stage("neverdark")
    assert SERVICES["neverdark"]["build"]["args"]["REVISION"] == "${NEVERDARK_REVISION:-unknown}"


def test_the_user_is_the_one_that_compose_names() -> None:
    uid = re.search(r"^ARG UID=(\d+)$", stage("neverdark"), re.MULTILINE)
    assert uid
    assert SERVICES["neverdark"]["user"] == f"{uid[1]}:{uid[1]}"
    assert "\nUSER ${UID}:${UID}\n" in stage("neverdark")


def test_the_base_is_pinned_to_a_version_and_has_no_architecture() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    assert not re.search(r"amd64|x86_64|--platform", re.sub(r"^#.*", "", DOCKERFILE, flags=re.MULTILINE))


def test_what_the_image_is_made_of_is_let_in_and_nothing_else() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in ignore if line.startswith("!")}
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.*)", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]
    ]
    sources = [word for word in copied if not word.startswith("--")]
    assert "*" in ignore
    for source in sources:
        assert (ROOT / source).exists()
        assert source in allowed or str(Path(source).parent) in allowed
    assert allowed <= {*sources, *(str(Path(source).parent) for source in sources)}


def test_whatever_goes_into_an_image_makes_its_revision() -> None:
    parts = re.search(r'^parts="(.*)"$', (DEPLOY / "deploy.sh").read_text(encoding="utf-8"), re.MULTILINE)
    assert parts
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed - {"README.md", "LICENSE"} <= set(parts[1].split())  # those two change nothing that runs


# --- scripts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_are_executable_and_any_shell_reads_them(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", str(script)], check=True)


def start_in_container(tmp_path: Path, **variables: str) -> str:
    """What neverdark would be started with: its token, through the script that the image has in its place."""
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    stub = tmp_path / "real"
    stub.write_text('#!/bin/sh\necho "${NEVERDARK_API_TOKEN-none}" "$@"\n')
    stub.chmod(0o755)
    script = (DEPLOY / "container" / "neverdark").read_text(encoding="utf-8")
    script = script.replace("/opt/neverdark/bin/neverdark", str(stub))
    environment = {"PATH": os.environ["PATH"], "NEVERDARK_DATA_DIR": str(data), **variables}
    run = subprocess.run(
        ["sh", "-c", script, "neverdark", "run"], cwd=tmp_path, env=environment, check=True, capture_output=True
    )
    return run.stdout.decode().strip()


def test_a_container_has_a_token_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    first = start_in_container(tmp_path)
    token, _, arguments = first.partition(" ")
    assert re.fullmatch(rf"[!-~]{{{MIN_TOKEN},}}", token)
    assert arguments == "run"
    assert start_in_container(tmp_path) == first
    assert (tmp_path / "data" / "api-token").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["api-token"]


def test_an_owners_token_is_left_alone(tmp_path: Path) -> None:
    assert start_in_container(tmp_path, NEVERDARK_API_TOKEN="owners-own") == "owners-own run"
    assert start_in_container(tmp_path, NEVERDARK_API_TOKEN_FILE="x") == "none run"
    (tmp_path / "neverdark.yml").write_text("streams: {}\napi_token_file: ./token\n")
    assert start_in_container(tmp_path) == "none run"
    assert not (tmp_path / "data" / "api-token").exists()


# --- what deploy.sh asks an image and a container ------------------------------------------------------


def ask(program: str, *arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a checking program as deploy.sh does: as text."""
    return subprocess.run(
        [sys.executable, "-c", (DEPLOY / program).read_text(encoding="utf-8"), *arguments],
        input=stdin,
        env={**os.environ, **variables},
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )


def listing(*names: str) -> str:
    return "".join(f"{sha256((ROOT / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


def test_an_image_with_every_file_passes() -> None:
    answer = ask("check_image.py", stdin=listing("supervisor/cli.py", "exporter/web/page.js"))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert re.search(r"^2 files .*, \d{2,} modules", answer.stdout)


def test_an_image_that_lacks_a_file_or_has_an_old_one_does_not() -> None:
    lines = [listing("supervisor/cli.py").replace("cli", "app"), f"{'0' * 64}  supervisor/cli.py"]
    wrong_files = runpy.run_path(str(DEPLOY / "check_image.py"))["wrong_files"]
    assert wrong_files(lines, ROOT) == [
        "supervisor/app.py: missing in the image",
        "supervisor/cli.py: not as it is checked out",
    ]
    assert ask("check_image.py").returncode == 1, "nothing was looked at"


def test_a_module_that_cannot_be_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "made_up_package"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "deep" / "__init__.py").touch()
    (package / "deep" / "broken.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    broken_modules = runpy.run_path(str(DEPLOY / "check_image.py"))["broken_modules"]
    count, problems = broken_modules(["made_up_package"])
    assert count == 3
    assert problems == ["made_up_package.deep.broken: ModuleNotFoundError: No module named 'no_such_module'"]


@contextmanager
def pretending(revision: str, **watchdogs: bool) -> Iterator[str]:
    """A neverdark that says it is of a revision; each watchdog has run or not. Gives its address."""
    status = {
        "watchdog_count": len(watchdogs),
        "watchdogs": {name: {"running": running, "check_interval": 30} for name, running in watchdogs.items()},
    }
    bodies = {
        "/metrics": f'# TYPE x gauge\nlivestream_build_info{{version="0.1",revision="{revision}"}} 1\n',
        "/api/watchdog/status": json.dumps(status),
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(bodies[self.path].encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_a_container_of_this_revision_whose_watchdogs_ran_passes() -> None:
    with pretending("abc", **{"cam:youtube": True}) as url:
        answer = ask("check_running.py", "abc", "yes", NEVERDARK_URL=url)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_a_container_of_another_revision_is_stale() -> None:
    with pretending("old", **{"cam:youtube": True}) as url:
        answer = ask("check_running.py", "new", "yes", NEVERDARK_URL=url)
    assert (answer.returncode, answer.stderr) == (1, "STALE: old runs, new is checked out\n")


def test_a_watchdog_that_has_not_run_is_named() -> None:
    with pretending("abc", **{"cam:youtube": True, "cam:backup": False}) as url:
        answer = ask("check_running.py", "abc", "no", NEVERDARK_URL=url)
    assert (answer.returncode, answer.stderr) == (1, "watchdogs that do not run: cam:backup\n")


# --- deploy.sh ---------------------------------------------------------------------------------------


DOCKER = """#!/bin/sh
# Writes down what it is told. What FAILS names fails. The container is asked where NEVERDARK_URL says.
printf '%s\\n' "$*" | head -n 1 | cut -c 1-100 >>"$CALLS"
case "$* " in *"$FAILS"*) exit 1 ;; esac
case "$*" in
    "image inspect"*) echo "$5 sha256:$5-before" ;;
    *"exec -T neverdark"*) shift 5; exec "$PYTHON" "$@" ;;
    *" -c "*) cat >/dev/null ;;
esac
"""


class Checkout:
    """A git checkout with what an image is made of, and a Docker of paper."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls = path / "calls"
        checkout = path / "checkout"
        for name in ("supervisor/__init__.py", "exporter/__init__.py", "Dockerfile", "deploy/container/neverdark"):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
        for file in ("deploy.sh", "check_image.py", "check_running.py"):
            shutil.copy(DEPLOY / file, checkout / "deploy" / file)
        for file in (".dockerignore", "constraints.txt", "pyproject.toml", "deploy/ingest"):
            (checkout / file).touch()
        (path / "bin").mkdir()
        docker = path / "bin" / "docker"
        docker.write_text(DOCKER)
        docker.chmod(0o755)
        self.checkout = checkout
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("-c", "user.name=a", "-c", "user.email=a@example.net", "commit", "--quiet", "-m", "a")
        self.head = self.git("rev-parse", "--short=12", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        own = {"PATH": os.environ["PATH"], "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(
            ["git", *arguments], cwd=self.checkout, env=own, check=True, capture_output=True, text=True
        ).stdout

    def deploy(self, *arguments: str, url: str = "", fails: str = "no such call") -> subprocess.CompletedProcess[str]:
        self.calls.write_text("")
        environment = {
            "PATH": f"{self.path / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.path),
            "CALLS": str(self.calls),
            "FAILS": fails,
            "PYTHON": sys.executable,
            "NEVERDARK_URL": url,
        }
        return subprocess.run(
            ["sh", str(self.checkout / "deploy" / "deploy.sh"), *arguments],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )

    def told(self, word: str) -> list[str]:
        return [call for call in self.calls.read_text().splitlines() if f" {word} " in f" {call} "]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_deployment_builds_checks_starts_and_proves(checkout: Checkout) -> None:
    with pretending(checkout.head, **{"cam:youtube": True}) as url:
        done = checkout.deploy(url=url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"== on air: {checkout.head}"
    order = [call.split()[1] for call in checkout.calls.read_text().splitlines()]
    assert order == [
        *("config", "inspect", "inspect", "build", "run", "run", "run", "run"),
        *("up", "exec", "restart", "exec", "up", "prune"),
    ]
    assert checkout.told("--no-cache") == []


def test_no_container_is_sent_a_signal_through_docker(checkout: Checkout) -> None:
    with pretending(checkout.head) as url:
        checkout.deploy(url=url)
    assert not checkout.told("compose kill"), "Docker takes it for stopped on purpose, and does not start it at a boot"


def test_force_ignores_the_cache(checkout: Checkout) -> None:
    with pretending(checkout.head) as url:
        assert checkout.deploy("--force", url=url).returncode == 0
    assert checkout.told("--no-cache") == ["compose build --no-cache --pull"]


REFUSED = ["compose config", "compose build", "bin/python", "neverdark check", "promtool", "alertmanager true"]


@pytest.mark.parametrize("fails", REFUSED)
def test_what_is_on_air_stays_on_air_when_the_new_image_is_no_good(checkout: Checkout, fails: str) -> None:
    """Also later: the image's name is given back to the one that ran."""
    done = checkout.deploy(fails=fails)
    assert done.returncode == 1
    names = ("neverdark:local", "neverdark-ingest:local") if fails != "compose config" else ()
    assert checkout.told("tag") == [f"tag sha256:{name}-before {name}" for name in names]
    assert re.search(r"^deploy: .*; (nothing was changed|what was on air still is)$", done.stderr, re.MULTILINE)
    assert not any(checkout.told(word) for word in ("up", "exec", "restart"))


def test_code_that_changed_and_was_only_restarted_is_stale(checkout: Checkout) -> None:
    with pretending(checkout.head, **{"cam:youtube": True}) as url:
        assert checkout.deploy("--check", url=url).returncode == 0
        (checkout.checkout / "supervisor" / "__init__.py").write_text("changed = True\n")
        stale = checkout.deploy("--check", url=url)
        assert stale.returncode == 1
        assert f"STALE: {checkout.head} runs, {checkout.head}-changed-" in stale.stderr
        (checkout.checkout / "supervisor" / "new.py").touch()
        assert checkout.deploy("--check", url=url).stderr != stale.stderr, "each change is another revision"
        assert [call.split()[1] for call in checkout.calls.read_text().splitlines()] == ["exec"]


def test_a_change_of_what_is_not_in_the_image_is_none(checkout: Checkout) -> None:
    (checkout.checkout / "notes.txt").touch()
    with pretending(checkout.head) as url:
        assert checkout.deploy("--check", url=url).returncode == 0


def test_a_container_that_stays_the_old_one_fails_the_deployment(checkout: Checkout) -> None:
    with pretending("old") as url:
        done = checkout.deploy(url=url)
    assert done.returncode == 1
    assert f"STALE: old runs, {checkout.head} is checked out" in done.stderr


def test_a_wrong_argument_is_answered_with_the_usage(checkout: Checkout) -> None:
    done = checkout.deploy("--fast")
    assert done.returncode == 2
    assert "deploy/deploy.sh --force" in done.stderr
    assert checkout.calls.read_text() == ""
