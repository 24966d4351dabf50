"""A source that comes to us: publishers come, drop, come back, and are not alone on the machine."""

from __future__ import annotations

import socket
from typing import Any

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import insisting
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually, free_port

ENCODER, PUSHER = ("cam", "encoder", ""), ("cam", "pusher", "yt")


def _listening(ingest: Ingest, **source: Any) -> dict[str, Any]:
    return cam(ingest.url, secret("main"), stall={"timeout": "4s"}) | {"source": source}


def _incidents(running: Neverdark) -> list[Any]:
    return list(running.get("/api/incidents").json()["incidents"])


def _waits(running: Neverdark) -> bool:
    """Its encoder is there, and no publisher."""
    told = running.stream("cam")["reason"] or ""
    return "waits for a publisher on port" in told


def _knocked(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _stays_published(ingest: Ingest, running: Neverdark, place: str) -> None:
    """A publisher comes, drops and comes back, and the platform sees one connection."""
    with insisting(place):
        running.wait_on_air()
        client = eventually(lambda: ingest.publisher(secret("main")), SLACK, "published").client
        pusher = running.pid(*PUSHER)
    eventually(lambda: _waits(running), 4 + SLACK, "it left, and is awaited again")
    with insisting(place):
        eventually(running.on_air, 5 + SLACK, "on air again")
    assert ingest.publisher(secret("main")).client == client
    assert running.pid(*PUSHER) == pusher
    (incident,) = _incidents(running)
    assert (incident["segment"], incident["cause"]) == ("source", "source_ended")
    assert running.one(*ENCODER)["budget_remaining"] == 10


def test_by_rtmp_strangers_cost_no_more_than_one_wait(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    port, key = free_port(), secret("publisher")
    running = neverdark({"cam": _listening(ingest, listen="rtmp", port=port, key=key)}, ffmpeg=ffmpeg)
    place = f"rtmp://127.0.0.1:{port}/live"
    eventually(lambda: _waits(running), SLACK, "a publisher is awaited")

    first = running.pid(*ENCODER)
    eventually(lambda: _knocked(port), SLACK, "it listens")
    eventually(lambda: running.pid(*ENCODER) not in {None, first}, 2 + SLACK, "a stranger's look ends one wait")
    with insisting(f"{place}/{secret('wrong')}"):
        eventually(lambda: running.exits(*ENCODER).get("source_refused"), 5 + SLACK, "another key is turned away")
    assert not _incidents(running), "nobody has failed at anything"
    assert not running.on_air()

    _stays_published(ingest, running, f"{place}/{key}")


def test_by_srt_a_wrong_passphrase_does_not_even_end_the_wait(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    port, passphrase = free_port(), secret("publisher")
    running = neverdark({"cam": _listening(ingest, listen="srt", port=port, passphrase=passphrase)}, ffmpeg=ffmpeg)
    place = f"srt://127.0.0.1:{port}?passphrase="
    eventually(lambda: _waits(running), SLACK, "a publisher is awaited")
    log = running.data_dir / "logs"

    with insisting(place + secret("wrong")):
        eventually(lambda: any("BADSECRET" in file.read_text() for file in log.rglob("*encoder*")), SLACK, "refused")
    assert running.exits(*ENCODER) == {}

    with insisting(place + passphrase):
        running.wait_on_air()
    eventually(lambda: _waits(running), 4 + SLACK, "it left, and is awaited again")
    eventually(lambda: running.exits(*ENCODER) == {"source_ended": 1}, SLACK, "and that is counted")
