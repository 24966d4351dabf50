"""What a stream that comes by API may not name on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from supervisor.config.by_api import refused
from supervisor.config.shape import Config

GRAPH = {"format": "lavfi", "url": "testsrc2=size=1280x720:rate=30[a];[a]format=yuv420p,drawbox=x=10"}


def paths(
    body: dict[str, Any], before: dict[str, Any] | None = None, folder: Path = Path("/etc/nd"), **top: Any
) -> set[str]:
    config = Config.model_validate({"streams": {}, **top})
    return {problem.path for problem in refused("cam", body, before, config, folder)}


@pytest.mark.parametrize(
    "source",
    [
        GRAPH,
        {"url": "rtsp://cam.local/stream1"},
        {"url": "srt://host:9000?mode=listener"},
        {"url": "https://host/index.m3u8", "format": "hls"},
        {"url": "/media/loop.mp4", "loop": True},
        {"url": "media/loop.MKV"},
    ],
)
def test_what_the_network_sends_test_pictures_and_media_files_may_be_shown(source: dict[str, Any]) -> None:
    assert paths({"source": source}) == set()


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ({"url": "/etc/passwd"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "unix:///run/x.sock"}, "url"),
        ({"url": "concat:/etc/passwd|/media/a.ts"}, "url"),
        ({"url": "subfile,,start,0,end,9,,:/etc/a.mp4"}, "url"),
        ({"url": "/media/list.m3u8"}, "url"),
        ({"url": "/media/a.txt"}, "url"),
        ({"url": "https://host/page", "format": "tty"}, "format"),
        ({"url": "/etc/passwd", "format": "flv"}, "url"),
        ({"url": "rtsp://cam.local/stream1", "options": ["-f", "data", "/home/me/.bashrc"]}, "options"),
        ({"url": "movie=/etc/passwd", "format": "lavfi"}, "url"),
        ({"url": "testsrc2,drawtext=textfile=/etc/passwd", "format": "lavfi"}, "url"),
        ({"url": "testsrc2,metadata=mode=print:file=/home/me/.bashrc", "format": "lavfi"}, "url"),
        ({"url": "testsrc2[a];[a]ladspa=file=/tmp/x.so", "format": "lavfi"}, "url"),
        ({"url": "testsrc2[a,movie=x];[a]null", "format": "lavfi"}, "url"),
        ({"url": "testsrc2@a=size=1x1 , movie@b = x", "format": "lavfi"}, "url"),
        ({"url": "testsrc2\\,movie=x", "format": "lavfi"}, "url"),
        ({"url": "'movie=x'", "format": "lavfi"}, "url"),
        ({"url": "sws_flags=x;movie=x", "format": "lavfi"}, "url"),
        ({"url": "", "format": "lavfi"}, "url"),
    ],
)
def test_programs_and_other_files_are_out_of_reach(source: dict[str, Any], key: str) -> None:
    assert paths({"source": source}) == {f"streams.cam.source.{key}"}
    assert paths({"source": source}, {"source": source}) == set(), "what stood there before may stay"
    assert paths({"source": source}, api_commands=True) == set()


def test_a_command_is_a_program_of_the_owners() -> None:
    assert paths({"command": ["sh", "-c", "id"]}) == {"streams.cam.command"}
    assert paths({"command": ["sh", "-c", "id"]}, {"command": ["true"]}) == {"streams.cam.command"}
    assert paths({"command": ["true"], "enabled": False}, {"command": ["true"]}) == set()
    assert paths({"command": ["sh"]}, api_commands=True) == set()


def test_key_files_are_those_that_were_put_there_for_neverdark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, given = tmp_path / "etc", tmp_path / "given"
    for place in (folder / "keys", given, tmp_path / "home"):
        place.mkdir(parents=True)
        (place / "key").write_text("bait-key-1\n")
    (folder / "link").symlink_to(tmp_path / "home" / "key")
    (folder / "token").write_text("bait-token-1\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))

    def wrong(file: object) -> bool:
        body = {"destinations": {"out": {"url": "rtmp://h/live", "key_file": file}}}
        return bool(paths(body, folder=folder, api_token_file=str(folder / "token")))

    assert not wrong("keys/key")
    assert not wrong(str(given / "key"))
    assert not wrong("/run/secrets/harbour")
    assert wrong(str(tmp_path / "home" / "key"))
    assert wrong("../home/key")
    assert wrong("link")
    assert wrong("token"), "the API's own"
    assert not wrong(7), "reported where it stands"


@pytest.mark.parametrize(
    ("rung", "key"),
    [
        ({"source": {"url": "/etc/passwd"}}, "source.url"),
        ({"source": {"url": "a.mp4", "options": ["-x"]}}, "source.options"),
        ({"slate": {"image": "/etc/passwd"}}, "slate.image"),
    ],
)
def test_a_rung_of_a_fallback_may_name_no_more_than_the_stream(rung: dict[str, Any], key: str) -> None:
    assert paths({"fallback": [{"slate": True}, rung]}) == {f"streams.cam.fallback[1].{key}"}
    assert paths({"fallback": [rung]}, api_commands=True) == set()
    assert paths({"fallback": [rung]}, {"fallback": [rung]}) == set(), "what stood there may stay"


def test_a_rung_may_be_an_image_a_text_or_what_the_network_sends() -> None:
    slates: list[Any] = [{"image": "a.PNG"}, {"text": "/etc/passwd"}, True, 3]
    rungs = [{"source": {"url": "rtsp://b/1"}}, *({"slate": slate} for slate in slates), 3]
    assert paths({"fallback": rungs}) == set()
