"""neverdark ends while viewers see a fallback: the next one goes on with it, and viewers cannot tell."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import publishing
from tests.integration.harness.recipes import Json, card, secret
from tests.integration.harness.supervised import Neverdark, carriers
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually
from tests.integration.test_adoption import crash, upgrade
from tests.integration.test_switching import FRAME, active, faults, grows, recording, steps


def cam(ingest: Ingest, key: str, fallback: Json, **policy: object) -> Json:
    return card(size="320x180", fps=10) | {
        "source": {"url": f"{ingest.url}/camera"},
        "destinations": {"yt": {"url": ingest.url, "key": key}},
        "fallback": [fallback],
        "fallback_policy": {"return_after": "3s", **policy},
        "restart": {"initial_delay": "0.2s", "max_delay": "0.5s", "attempts": 1000},
    }


def pids(running: Neverdark) -> dict[str, int]:
    """By name, of those that live."""
    return {one["name"]: one["pid"] for one in running.stream("cam")["processes"] if one["pid"]}


def alive(running: Neverdark) -> list[str]:
    """The encoders and pushers that there are, whoever started them."""
    return sorted(words for words in carriers(running.data_dir).values() if "ffmpeg" in words)


def open_incidents(running: Neverdark) -> list[Json]:
    return [one for one in running.get("/api/streams/cam/incidents").json()["incidents"] if one["closed"] is None]


@pytest.mark.parametrize(("go", "ordered"), [(crash, True), (upgrade, False)])
def test_the_slate_goes_on(
    go: Callable[[Neverdark], None], *, ordered: bool, ingest: Ingest, unstarted: Launch, tmp_path: Path
) -> None:
    key, seen = secret("main"), tmp_path / "seen.flv"
    running = unstarted({"cam": cam(ingest, key, {"slate": True})})
    with publishing(f"{ingest.url}/camera"):
        running.start().wait_on_air()
        slates = running.data_dir / "slates"
        eventually(lambda: list(slates.glob("[!.]*.mkv")), 2 * ON_AIR, "the slate is made before it is needed")
    connection = ingest.publishers()[key].client
    eventually(lambda: active(running) == "fallback1", ON_AIR, "viewers see the slate")
    if ordered:
        order = {"to": "fallback1", "lasting": "1h", "reason": "lens"}
        assert running.ask("POST", "/api/streams/cam/switch", order).status_code == 202
    with recording(ingest, key, seen):
        eventually(lambda: open_incidents(running), 2 * ON_AIR, "what is wrong with the source is told")
        before, known = pids(running), running.stream("cam")["ordered_source"]
        assert bool(known) == ordered
        go(running)
        if go is not upgrade:
            running.start()
        running.wait_on_air()
        after = pids(running)
        assert {name: after[name] for name in ("fallback1", "pusher-yt")} == {
            name: before[name] for name in ("fallback1", "pusher-yt")
        }
        assert running.stream("cam")["ordered_source"] == known
        assert running.metric("stream_switches_total", stream="cam", reason="ordered") == 0
        (told,) = eventually(lambda: open_incidents(running), 2 * ON_AIR, "and still is")
        assert told["segment"] == "source"
        with publishing(f"{ingest.url}/camera"):
            if ordered:
                assert running.ask("POST", "/api/streams/cam/switch", {"to": "auto"}).status_code == 202
            eventually(lambda: active(running) == "primary", 3 * ON_AIR, "the source is taken back")
            grows(seen)
            assert ingest.publishers()[key].client == connection
    assert 0 < min(steps(seen)) <= max(steps(seen)) < 2.5 * FRAME
    assert faults(seen) == ""
    assert ingest.refused() == 0


@pytest.mark.parametrize("crossed", [False, True], ids=["before the links have gone over", "after it"])
def test_killed_in_the_middle_of_a_switch(*, crossed: bool, ingest: Ingest, unstarted: Launch) -> None:
    """The encoder that is to feed, or does already, stands still, and nobody is there to let it go on."""
    key = secret("main")
    running = unstarted({"cam": cam(ingest, key, {"source": {"url": f"{ingest.url}/second"}}, warm=True)})
    with publishing(f"{ingest.url}/camera"), publishing(f"{ingest.url}/second"):
        running.start().wait_on_air()
        eventually(lambda: "fallback1" in pids(running), ON_AIR, "it is kept warm")
        connection = ingest.publishers()[key].client
        before = pids(running)
        assert running.ask("POST", "/api/streams/cam/switch", {"to": "fallback1"}).status_code == 202
        if crossed:
            eventually(lambda: active(running) == "fallback1", ON_AIR, "it has gone over")
        os.kill(before["fallback1"], signal.SIGSTOP)
        running.crash()
        running.start().wait_on_air()
        eventually(lambda: active(running) == "fallback1", 2 * ON_AIR, "as ordered")
        after = pids(running)
        assert after["fallback1"] != before["fallback1"], "what stood still is ended"
        assert after["encoder"] == before["encoder"]
        assert after["pusher-yt"] == before["pusher-yt"]
        assert ingest.publishers()[key].client == connection
        received = ingest.publisher(key).bytes_in
        eventually(lambda: ingest.publisher(key).bytes_in > received, SLACK, "media flows")
        eventually(lambda: len(alive(running)) == len(pids(running)) == 3, SLACK, "none is left over")
    assert ingest.refused() == 0


def test_killed_while_an_encoder_is_replaced(ingest: Ingest, unstarted: Launch) -> None:
    """The one that feeds goes on, the one that was to follow it is ended."""
    key = secret("main")
    running = unstarted({"cam": card() | {"destinations": {"yt": {"url": ingest.url, "key": key}}}})
    running.start().wait_on_air()
    connection, before = ingest.publishers()[key].client, pids(running)
    assert running.post("/api/streams/cam/restart").status_code == 202
    (following,) = eventually(lambda: set(carriers(running.data_dir)) - set(before.values()), SLACK, "both run")
    os.kill(following, signal.SIGSTOP)
    running.crash()
    running.start().wait_on_air()
    assert pids(running) == before
    assert set(carriers(running.data_dir)) == set(before.values())
    assert ingest.publishers()[key].client == connection
