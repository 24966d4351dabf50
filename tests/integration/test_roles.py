"""Primary and backup ingest: two destinations, of which one suffices."""

from __future__ import annotations

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import card, secret
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually


def test_it_is_on_air_while_one_of_two_ingests_is_there(ingest: Ingest, spare: Ingest, neverdark: Launch) -> None:
    key = secret("main")
    first, second = ({"url": one.url, "key": key, "restart": {"initial_delay": 0}} for one in (ingest, spare))
    places = {"a": first | {"role": "primary"}, "b": second | {"role": "backup"}}
    running = neverdark({"cam": card() | {"destinations": places}})
    running.wait_on_air()
    eventually(lambda: ingest.receives(key) and spare.receives(key), ON_AIR, "both are sent to")
    encoder = running.pid("cam", "encoder")

    ingest.stop()
    eventually(lambda: running.stream("cam")["health"] == "degraded", 5 + SLACK, "one of them is missed")
    eventually(lambda: running.get("/api/streams/cam/incidents").json()["incidents"], SLACK, "an incident")
    (incident,) = running.get("/api/streams/cam/incidents").json()["incidents"]
    assert (incident["destination"], incident["closed"]) == ("a", None)
    assert running.on_air("cam")
    assert running.get("/readyz").status_code == 200
    assert running.metric("stream_on_air", stream="cam") == 1
    before = running.metric("stream_off_air_seconds_total", stream="cam")

    spare.stop()
    eventually(lambda: not running.on_air("cam"), 5 + SLACK, "nobody receives it")
    assert running.get("/readyz").status_code == 503
    assert running.stream("cam")["reason"].startswith("pusher-")
    assert running.pid("cam", "encoder") == encoder

    ingest.start()
    running.wait_on_air()
    eventually(lambda: ingest.receives(key), ON_AIR, "the primary is sent to again")
    assert running.metric("stream_off_air_seconds_total", stream="cam") > before
    assert not running.stream("cam")["destinations"][1]["on_air"]
