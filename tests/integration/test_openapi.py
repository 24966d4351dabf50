"""Everything that the API's description allows or forbids is tried on a neverdark that runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import card
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import ON_AIR

# A hang, not a promise: on two cores of their own it is over in half a minute.
LONGEST = 560
SETTINGS = """
continue-on-failure = true
request-timeout = 20
workers = 2  # half of the time it waits for the server

[generation]
deterministic = true  # no seed, no database: each run asks the same
max-examples = 6
allow-x00 = true

[phases.coverage]
generate-duplicate-query-parameters = true
unexpected-methods = ["PUT", "OPTIONS", "TRACE"]  # the unit tests have the others

[phases.stateful]
enabled = false  # follows links between operations: the description has none

[checks]
enabled = true
# A schema cannot say all of what a time, a cursor or an address may be; what it allows beyond gets 422 with the reason.
positive_data_acceptance.enabled = false
# With 431, too: what is too long for a request's head is not even looked at.
negative_data_rejection.expected-statuses = ["4xx"]
# Has two identities with objects of their own: here every token may see all.
object_level_authorization.enabled = false

[[operations]]
include-path = ["/healthz", "/readyz"]
checks.not_a_server_error.expected-statuses = ["2xx", "4xx", 503]  # that is what they are there to say
"""


def schemathesis(running: Neverdark, token: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Its own command: what it asks and finds, and where it wrote down each of its requests."""
    settings, report = folder / "schemathesis.toml", folder / "asked.ndjson"
    settings.write_text(SETTINGS, encoding="utf-8")
    words = ["--report", "ndjson", "--report-ndjson-path", str(report), "-H", f"Authorization: Bearer {token}"]
    where = [f"{running.url}/openapi.json", "--no-color"]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run", *where, *words]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=running.environment, timeout=LONGEST, check=False
    )
    return done, report


def asked(report: Path) -> Counter[tuple[str, int]]:
    """How often each operation was answered with each status."""
    found: Counter[tuple[str, int]] = Counter()
    for line in report.read_text(encoding="utf-8").splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for interaction in (recorder.get("interactions") or {}).values():
            method = interaction["request"]["method"]
            if recorder["label"].startswith(f"{method} ") and (answer := interaction.get("response")):
                found[recorder["label"], answer["status_code"]] += 1
    return found


@pytest.mark.timeout(LONGEST + 60)
def test_every_operation_answers_as_it_is_described(neverdark: Launch, ingest: Ingest, tmp_path: Path) -> None:
    """The streams are called as those of the examples, so these are taken, too."""
    running = neverdark(
        {
            "lobby": {"command": ["sleep", "1000"]},
            "harbour-cam": card()
            | {
                "destinations": {
                    "youtube": {"url": ingest.url, "key": "harbour"},
                    "nobody": {"url": "rtmp://127.0.0.1:9/live", "key": "x", "required": False},
                }
            },
        },
    )
    token = running.cli("token", "create", "schemathesis", "--scope", "control", "--quiet").stdout.strip()
    running.wait_on_air("harbour-cam", seconds=ON_AIR)

    done, report = schemathesis(running, token, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    described = running.get("/openapi.json").json()["paths"]
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in described.items()
        for method, operation in methods.items()
    }
    answered = asked(report)
    print(*sorted(f"{name}: {status} × {times}" for (name, status), times in answered.items()), sep="\n")
    assert {name for name, _ in answered} == operations.keys(), "each was asked"
    refused = {name for name, status in answered if status == 401}
    assert refused >= {name for name, operation in operations.items() if operation["security"] == [{"token": []}]}
    done_as_asked = {name for name, status in answered if 200 <= status < 300}
    assert len(done_as_asked) >= len(operations) // 2, f"only refused: {sorted(operations.keys() - done_as_asked)}"

    assert running.get("/healthz").ok
    assert '"request failed"' not in running.log()
