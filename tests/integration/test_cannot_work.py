"""What cannot work, such as a key that the ingest refuses, is not tried again as fast as what failed by chance."""

from __future__ import annotations

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import publishing
from tests.integration.harness.recipes import Json, cam, secret
from tests.integration.harness.waiting import SLACK, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
COMMAND = ("cam", "command", "")


def test_a_refused_key_backs_off_from_ten_seconds(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    key = secret("main")
    with publishing(f"{ingest.url}/{key}"):
        eventually(lambda: ingest.receives(key), 5 + SLACK, "somebody else publishes on our key")
        theirs = ingest.publisher(key).client

        running = neverdark({"cam": cam(ingest.url, key)}, ffmpeg=ffmpeg)

        eventually(lambda: running.one(*PUSHER)["state"] == "backoff", 5 + SLACK, "refused")
        pusher = running.one(*PUSHER)
        assert pusher["last_failure"]["cause"] == "ingest_refused"
        assert pusher["backoff_seconds"] >= 9, "10 s less the jitter"
        assert ingest.refused() == 1
        assert ingest.publisher(key).client == theirs, "who is there stays"
        all_along(lambda: running.restarts()[PUSHER] == {}, 2, "it is not hurried")
    # An operator who has cleared the key need not wait either.
    assert running.post("/api/streams/cam/restart").status_code == 202
    running.wait_on_air()


def assert_hopeless(running_stream: Json, name: tuple[str, str, str], cause: str, neverdark: Launch) -> None:
    running = neverdark({"cam": running_stream})
    eventually(lambda: running.one(*name)["state"] == "cooldown", 5 + SLACK, "cooldown at once")
    assert running.exits(*name) == {cause: 1}
    assert running.one(*name)["last_failure"]["cause"] == cause
    assert running.restarts()[name] == {}
    assert running.one(*name)["backoff_seconds"] == 300


def test_bad_arguments_go_to_cooldown_at_once(ingest: Ingest, neverdark: Launch) -> None:
    stream = cam(ingest.url, secret("main"))
    stream["source"]["options"] = ["-nosuchoption", "1"]
    assert_hopeless(stream, ENCODER, "bad_arguments", neverdark)


def test_a_missing_encoder_goes_to_cooldown_at_once(neverdark: Launch, ffmpeg: str) -> None:
    argv = [ffmpeg, "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=160x90", "-c:v", "nosuchcodec", "-f", "null", "-"]
    assert_hopeless({"command": argv}, COMMAND, "encoder_missing", neverdark)


def test_a_program_that_is_not_there_goes_to_cooldown_at_once(neverdark: Launch) -> None:
    assert_hopeless({"command": ["/nonexistent/program"]}, COMMAND, "bad_arguments", neverdark)
