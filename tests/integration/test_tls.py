"""TLS and the listener for scrapes of a real neverdark: its own commands, a real Prometheus, a renewed certificate."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.integration.conftest import Launch
from tests.integration.harness.prometheus import Prometheus
from tests.integration.harness.recipes import secret
from tests.integration.harness.supervised import PATIENCE, Neverdark
from tests.integration.harness.waiting import SLACK, STARTED, eventually, free_port
from tests.unit.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


def by_tls(running: Neverdark, authority: Authority) -> str:
    """Give it a certificate, and have the harness ask by TLS; returns its URL."""
    for name, file in zip(("cert.pem", "key.pem"), authority.files("mine"), strict=True):
        shutil.copy(file, running.folder / name)
    running.config |= {"tls": {"cert_file": "./cert.pem", "key_file": "./key.pem"}}
    running.write_config()
    running.scheme = "https"
    running.trust(authority.bundle)
    return running.url


def ask(script: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a script of the container's says."""
    told = [sys.executable, "-S", str(script), *words]
    return subprocess.run(
        told, env=os.environ | variables, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_commands_and_prometheus_work_by_tls(unstarted: Launch, authority: Authority, tmp_path: Path) -> None:
    metrics = free_port()
    own = secret("token")
    running = unstarted({"mine": {"command": ["sleep", "1000"]}}, metrics_listen=f"0.0.0.0:{metrics}", api_token=own)
    url = by_tls(running, authority)
    running.start()
    running.wait_on_air()

    assert running.cli("status").returncode == 0
    assert running.cli("logs", "mine").returncode in {0, 1}
    assert running.cli("restart", "mine").returncode == 0
    foreign = running.cli("status", "--url", f"https://localhost:{running.port}")
    assert (foreign.returncode, "--ca-file" in foreign.stderr) == (1, True)
    assert running.cli("status", "--url", url, "--ca-file", str(authority.bundle)).returncode == 0
    assert running.cli("check").stderr.count("another program has this port") == 0, "it knows its own again"

    deploy = Path(__file__).parents[2] / "deploy"
    # What the container's health check and deploy.sh ask, whether or not there is TLS.
    assert ask(deploy / "container" / "healthy.py", str(running.port)).returncode == 0
    assert ask(deploy / "container" / "healthy.py", str(free_port())).returncode == 1
    asked = ask(deploy / "check_running.py", "unknown", "no", NEVERDARK_URL=f"http://127.0.0.1:{running.port}")
    assert (asked.returncode, asked.stdout) == (0, "revision unknown runs; 0 watchdogs, all have run\n")

    reader = running.cli("token", "create", "prometheus", "--scope", "read", "-q").stdout.strip()
    scrape = f"https://127.0.0.1:{metrics}"
    for path, token, status in (
        ("/healthz", None, 200),
        ("/metrics", None, 401),
        ("/metrics", reader, 200),
        ("/api/streams", reader, 404),
    ):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.get(scrape + path, headers=headers, verify=str(authority.bundle), timeout=PATIENCE)
        assert answer.status_code == status, path
    (tmp_path / "token").write_text(reader)
    job = {
        "job_name": "neverdark",
        "scheme": "https",
        "scrape_interval": "1s",
        "tls_config": {"ca_file": str(authority.bundle)},
        "authorization": {"credentials_file": str(tmp_path / "token")},
        "static_configs": [{"targets": [f"127.0.0.1:{metrics}"]}],
    }
    with Prometheus(tmp_path / "prometheus", free_port(), {"scrape_configs": [job]}) as prometheus:
        eventually(
            lambda: any(row["value"][1] == "1" for row in prometheus.ask("livestream_stream_on_air")),
            STARTED,
            "Prometheus has scraped it",
        )


def test_a_renewed_certificate_breaks_nothing_and_a_wrong_one_is_refused_at_the_start(
    unstarted: Launch, authority: Authority
) -> None:
    running = unstarted({"mine": {"command": ["sleep", "1000"]}})
    by_tls(running, authority)
    key = running.folder / "key.pem"
    good = key.read_bytes()
    key.write_bytes(authority.files("foreign")[1].read_bytes())
    for command in ("check", "run"):
        refused = running.cli(command)
        assert refused.returncode == 2
        told = [line for line in refused.stderr.splitlines() if "warning" not in line]
        assert len(told) == 1
        assert f"tls.key_file: {str(key)!r}: expected the private key of the certificate in cert_file" in told[0]
    key.write_bytes(good)
    running.start()
    running.wait_on_air()
    pid = running.pid("mine", "command")
    for name, file in zip(("cert.pem", "key.pem"), authority.files("renewed"), strict=True):
        shutil.copy(file, running.folder / name)

    def shown() -> bool:
        running.cli("status")  # each is a new connection
        return '"event": "new certificate"' in running.log()

    eventually(shown, 3 + SLACK, "the renewed one is taken over")
    assert running.cli("status").returncode == 0, "the command line knows it, too"
    assert running.pid("mine", "command") == pid
