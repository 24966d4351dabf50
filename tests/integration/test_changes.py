"""Changes at a bad moment: orders and reloads while a process hangs, a key is rotated, a file is missing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import cam, card, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.valve import Valve
from tests.integration.harness.waiting import SLACK, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
KILL = 3.0  # stop.kill: how long a frozen process is waited for
REFUSED_BACKOFF = 10.0
PATIENT = {"stall": {"timeout": "5m"}, "uplink": {"timeout": "5m"}, "stop": {"kill": KILL}}
REJECTED = "configuration rejected"


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_restart_does_not_bring_back_a_removed_destination(ingest: Ingest, neverdark: Launch) -> None:
    keys = {"yt": secret("stays"), "gone": secret("gone")}
    destinations = {name: {"url": ingest.url, "key": key} for name, key in keys.items()}
    gone = ("cam", "pusher", "gone")
    running = neverdark({"cam": card() | {"destinations": destinations} | PATIENT})
    running.wait_on_air()
    frozen, kept = running.pid(*gone), running.pid(*PUSHER)
    os.kill(frozen, signal.SIGSTOP)

    del destinations["gone"]
    running.write_config()
    running.send(signal.SIGHUP)
    eventually(lambda: running.one(*gone)["state"] == "stopping", KILL + SLACK, "it is being stopped")
    assert exists(frozen)
    assert running.post("/api/streams/cam/restart").status_code == 202

    eventually(lambda: not exists(frozen), KILL + SLACK, "the frozen pusher is ended")
    eventually(lambda: running.replaced(kept, *PUSHER), KILL + SLACK, "the restart is done")
    eventually(lambda: gone not in running.pids(), SLACK, "it is not shown any more")
    running.wait_on_air()
    all_along(lambda: gone not in running.pids(), 1.5, "it comes back")
    assert ingest.publishers().keys() == {keys["yt"]}
    assert running.log().count("pusher-gone: started") == 1
    assert ingest.refused() == 0


def test_a_renamed_stream_waits_for_its_frozen_publisher(ingest: Ingest, neverdark: Launch) -> None:
    key = secret("main")
    running = neverdark({"before": cam(ingest.url, key, **PATIENT)})
    running.wait_on_air()
    old = running.pid("before", "pusher", "yt")
    client = ingest.publisher(key).client
    os.kill(old, signal.SIGSTOP)
    both: list[int] = []

    def follows() -> bool:
        new, still = running.pid("after", "pusher", "yt"), exists(old)
        both.extend([new] if still else [])
        return not still

    running.config["streams"] = {"after": cam(ingest.url, key, **PATIENT)}
    running.write_config()
    assert running.cli("reload", "--allow-removal").returncode == 0  # a new name is another stream to neverdark

    eventually(follows, KILL + SLACK, "the new name's pusher runs")
    running.wait_on_air("after", seconds=REFUSED_BACKOFF - KILL)
    assert not both, "two publishers on one key"
    assert ingest.refused() == 0
    assert ingest.publisher(key).client != client
    assert running.exits("after", "pusher", "yt") == {}
    assert [stream["stream"] for stream in running.streams()] == ["after"]


def test_a_shorter_stall_timeout_reaches_a_process_that_is_frozen_already(neverdark: Launch, ingest: Ingest) -> None:
    running = neverdark({"cam": cam(ingest.url, secret("main"), stall={"timeout": "1h"})})
    running.wait_on_air()
    frozen = running.pid(*ENCODER)
    os.kill(frozen, signal.SIGSTOP)
    eventually(lambda: not running.on_air(), 3 + SLACK, "nothing comes")
    assert running.pid(*ENCODER) == frozen

    running.config["streams"]["cam"]["stall"]["timeout"] = "2s"
    running.write_config()
    running.send(signal.SIGHUP)

    eventually(lambda: running.replaced(frozen, *ENCODER), 2 + SLACK, "replaced by the new measure")
    assert running.restarts()[ENCODER] == {"stall": 1}
    running.wait_on_air()


def test_neither_key_gets_out_when_one_is_rotated(valve: Valve, ingest: Ingest, neverdark: Launch) -> None:
    """FFmpeg names the key when it cannot publish: before the rotation the old one, after it the new one."""
    keys = [secret("old"), secret("new")]
    running = neverdark({})
    key_file = running.folder / "key"
    key_file.write_text(keys[0])
    quick = {"initial_delay": "200ms", "max_delay": "500ms", "attempts": 1000}
    destination = {"url": valve.url, "key_file": "./key"}
    running.config["streams"]["cam"] = card() | {"destinations": {"yt": destination}, "restart": quick}
    valve.refuse()
    running.write_config()
    running.send(signal.SIGHUP)
    fails(running, 1)
    valve.listen()
    eventually(lambda: ingest.publishers().keys() == {keys[0]}, 5 + SLACK, "the old key is used")
    running.wait_on_air()
    old, pids = running.restarts()[PUSHER], running.pids()

    key_file.write_text(keys[1])  # noticed by itself: no signal

    eventually(lambda: ingest.publishers().keys() == {keys[1]}, 5 + SLACK, "the new key is used, not the old")
    running.wait_on_air()
    assert running.restarts()[PUSHER] == old | {"config": 1}
    assert {name for name, pid in running.pids().items() if pid != pids[name]} == {PUSHER}
    valve.refuse()
    fails(running, running.exits(*PUSHER)["ingest_unreachable"] + 1)
    # What was written is looked through for both keys at the end of the test; here, that there was something to hide.
    assert any("/live" in path.read_text(errors="replace") for path in running.log_files())


def fails(running: Neverdark, times: int) -> None:
    eventually(lambda: running.exits(*PUSHER).get("ingest_unreachable", 0) >= times, 5 + SLACK, "it cannot publish")


def test_a_secret_file_that_comes_later_is_noticed_by_itself(ingest: Ingest, neverdark: Launch) -> None:
    running = neverdark({})
    running.config["streams"]["cam"] = card() | {"destinations": {"yt": {"url": ingest.url, "key_file": "./key"}}}
    running.write_config()
    eventually(lambda: REJECTED in running.log(), 3 + SLACK, "the missing file is told")
    # It is tried again meanwhile, and that is no news.
    all_along(lambda: running.log().count(REJECTED) == 1, 6.5, "told once")

    (running.folder / "key").write_text(secret("main"))

    eventually(lambda: [stream["stream"] for stream in running.streams()] == ["cam"], 8 + SLACK, "it is noticed")
    running.wait_on_air("cam")
    assert running.log().count(REJECTED) == 1
    assert running.metric("config_last_reload_successful") == 1


def test_a_renamed_stream_that_gets_its_name_back_has_its_logs(neverdark: Launch) -> None:
    mine, keeps = {"command": ["sh", "-c", "echo here I am; exec sleep 1000"]}, {"command": ["sleep", "1000"]}
    running = neverdark({"mine": mine, "keeps": keeps})
    logs, run = running.data_dir / "logs", running.data_dir / "run"
    eventually(lambda: [*(logs / "mine").glob("*.log")], 5 + SLACK, "it has said something")
    before = {file.name for file in (logs / "mine").glob("*.log")}

    running.config["streams"] = {"other": mine, "keeps": keeps}
    running.write_config()
    eventually((logs / "mine" / "gone").exists, 20 + SLACK, "it is seen to be gone")
    assert {folder.name for folder in run.iterdir()} == {"other", "keeps"}

    running.config["streams"] = {"mine": mine, "keeps": keeps}
    running.write_config()
    eventually(lambda: not (logs / "mine" / "gone").exists(), 20 + SLACK, "it is back")
    assert {file.name for file in (logs / "mine").glob("*.log")} >= before
