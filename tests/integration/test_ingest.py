"""What an ingest may do to us: drop, freeze, go away and come back."""

from __future__ import annotations

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import cam, card, secret
from tests.integration.harness.valve import Valve
from tests.integration.harness.waiting import SLACK, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")


def test_a_publisher_that_the_ingest_drops_comes_back(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    key = secret("main")
    running = neverdark({"cam": cam(ingest.url, key)}, ffmpeg=ffmpeg)
    running.wait_on_air()
    client, encoder = (
        eventually(lambda: ingest.publisher(key), SLACK, "published").client,
        running.pid(*ENCODER),
    )

    ingest.drop_publisher(key)

    eventually(lambda: ingest.publisher(key).client != client and ingest.receives(key), 5 + SLACK, "it is back")
    running.wait_on_air()
    assert running.exits(*PUSHER) == {"ingest_closed": 1}
    assert running.restarts() == {PUSHER: {"exit": 1}, ENCODER: {}}
    assert running.pid(*ENCODER) == encoder


def test_a_frozen_ingest_is_noticed_by_the_uplink_and_costs_the_other_nothing(
    ingest: Ingest, valve: Valve, neverdark: Launch
) -> None:
    keys = {"frozen": secret("frozen"), "fine": secret("fine")}
    urls = {"frozen": valve.url, "fine": ingest.url}
    # Ten times the bit rate of the other tests, so that the kernel's own buffers fill at once.
    stream = card(bitrate="2M", fps=10) | {
        "destinations": {name: {"url": urls[name], "key": keys[name]} for name in urls}
    }
    running = neverdark({"cam": stream})
    running.wait_on_air()
    frozen, fine = ("cam", "pusher", "frozen"), ("cam", "pusher", "fine")
    client = eventually(lambda: ingest.publisher(keys["fine"]), SLACK, "published").client
    pids = running.pids()
    before = running.frames(*ENCODER), running.frames(*fine)

    valve.freeze()

    eventually(lambda: running.restarts()[frozen], 8 + SLACK, "the frozen ingest is noticed")
    # By the uplink, with default timeouts: FFmpeg's own progress would have gone on for longer.
    assert running.restarts() == {frozen: {"uplink": 1}, fine: {}, ENCODER: {}}
    encoded, sent = running.frames(*ENCODER) - before[0], running.frames(*fine) - before[1]
    assert sent >= encoded - 20, "the other destination has lost frames"
    assert ingest.publisher(keys["fine"]).client == client
    assert running.pids()[fine] == pids[fine]
    assert running.pids()[ENCODER] == pids[ENCODER]
    assert running.one(*frozen)["last_failure"]["cause"] == "uplink_blocked"

    valve.thaw()
    running.wait_on_air()
    eventually(lambda: ingest.receives(keys["frozen"]), 5 + SLACK, "it publishes again")
    assert ingest.refused() == 0


def test_an_ingest_that_was_restarted_is_used_again_within_ten_seconds(ingest: Ingest, neverdark: Launch) -> None:
    key = secret("main")
    running = neverdark({"cam": cam(ingest.url, key)})
    running.wait_on_air()
    encoder = running.pid(*ENCODER)

    ingest.stop()
    eventually(lambda: running.get("/readyz").status_code == 503, 5 + SLACK, "readyz tells that it is dark")
    assert running.get("/healthz").status_code == 200, "an outage is no fault of neverdark's"
    ready = running.get("/readyz").json()
    assert not ready["streams"]["cam"]["on_air"]
    assert ready["streams"]["cam"]["reason"]
    eventually(lambda: running.exits(*PUSHER).get("ingest_unreachable"), 5 + SLACK, "the ingest is known to be away")
    ingest.start()

    eventually(lambda: ingest.receives(key), 10 + SLACK, "the ingest has us again")
    running.wait_on_air()
    assert running.restarts()[ENCODER] == {}
    assert running.pid(*ENCODER) == encoder
    assert running.metric("stream_off_air_seconds_total", stream="cam", segment="platform") > 0


def test_a_waiting_pusher_tries_at_once_when_the_ingest_listens_again(ingest: Ingest, neverdark: Launch) -> None:
    key = secret("main")
    ingest.stop()
    # A backoff far beyond every deadline of this test: only knowledge can bring it back in time.
    patient = {"initial_delay": "1h", "max_delay": "1h"}
    running = neverdark({"cam": cam(ingest.url, key, restart=patient)})
    eventually(lambda: running.one(*PUSHER)["state"] == "backoff", 5 + SLACK, "it waits")
    assert running.one(*PUSHER)["last_failure"]["cause"] == "ingest_unreachable"

    ingest.start()

    eventually(lambda: ingest.receives(key), 5 + SLACK, "it did not wait for its turn")
    running.wait_on_air()


def test_bad_destinations_cost_the_good_one_nothing(ingest: Ingest, valve: Valve, neverdark: Launch) -> None:
    """One refuses the connection, one accepts it and says nothing: the third must not notice."""
    valve.freeze()
    with Valve(ingest.port) as refusing:
        refusing.refuse()
        key = secret("good")
        stream = card(fps=10) | {
            "destinations": {
                "refused": {"url": refusing.url, "key": secret("refused"), "required": False},
                "silent": {
                    "url": valve.url,
                    "key": secret("silent"),
                    "required": False,
                    "stall": {"startup": "2s"},
                },
                "good": {"url": ingest.url, "key": key},
            }
        }
        running = neverdark({"cam": stream})
        good, silent, refused = (("cam", "pusher", name) for name in ("good", "silent", "refused"))
        running.wait_on_air()
        client = eventually(lambda: ingest.publisher(key), SLACK, "published").client
        pids, before = running.pids(), (running.frames(*ENCODER), running.frames(*good))

        # Several rounds of failure of both bad ones, …
        eventually(
            lambda: (
                running.restarts()[silent].get("start_timeout", 0) >= 2 and running.restarts()[refused]["exit"] >= 2
            ),
            15 + SLACK,
            "the bad ones are tried again and again",
        )
        # … and the good one has the same connection, and every frame.
        encoded, sent = running.frames(*ENCODER) - before[0], running.frames(*good) - before[1]
        assert encoded > 0
        assert sent >= encoded - 20, "the good destination has lost frames"
        assert ingest.publisher(key).client == client
        assert running.pids()[good] == pids[good]
        assert running.pids()[ENCODER] == pids[ENCODER]
        assert running.restarts()[good] == {}
        assert running.restarts()[ENCODER] == {}
        all_along(running.on_air, 1, "on air, because what fails is not required")
        assert running.stream("cam")["health"] == "degraded"
        assert set(running.exits(*refused)) == {"ingest_unreachable"}
