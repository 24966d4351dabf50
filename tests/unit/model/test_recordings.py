"""The names of segments: whose they are, when they begin, and that no two runs share one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.model.push_urls import goes_far, is_listener, whole_packets, wrong_parameter
from supervisor.model.recordings import RUN, Kept, run_token

KEPT = Kept(Path("/srv/100%"), "cam.tape", ".mkv", 600.0, None, None, 0.05)
MINE = "cam.tape.20261127T134500Z-mwz11l5a1.mkv"


def test_the_pattern_is_for_strftime_and_still_open() -> None:
    assert str(KEPT.pattern) == f"/srv/100%%/cam.tape.%Y%m%dT%H%M%SZ-{RUN}.mkv"
    assert KEPT.shown == "/srv/100%/cam.tape.*.mkv"


def test_a_name_tells_when_it_begins_and_its_run() -> None:
    assert KEPT.read_name(MINE) == (1795787100.0, "mwz11l5a1")


@pytest.mark.parametrize(
    "name",
    [
        "cam.tape.20261127T134500Z-x.ts",
        "cam.tape2.20261127T134500Z-x.mkv",
        "cam.tape.20261127T134500Z-.mkv",
        "cam.tape.20261127T134500Z-../x.mkv",
        "cam.tape.20261127T134500Z-x.mkv.mkv",
        "xcam.tape.20261127T134500Z-x.mkv",
        "cam.tape.index.jsonl",
        "cam.tape.mkv",
        "holiday.mkv",
    ],
)
def test_what_is_others_is_no_segment_of_this_one(name: str) -> None:
    assert KEPT.read_name(name) is None


def test_a_name_that_begins_like_another_ones_is_told_apart() -> None:
    other = replace(KEPT, name="cam.tape-b")
    assert other.read_name(MINE) is None


def test_runs_share_no_name() -> None:
    tokens = {run_token(1_795_787_100.0 + at / 1000, run) for at in range(20) for run in range(1, 30)}
    assert len(tokens) == 20 * 29


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("udp://h:1", "udp://h:1?pkt_size=1316"),
        ("udp://h:1?", "udp://h:1?pkt_size=1316"),
        ("udp://h:1?ttl=2", "udp://h:1?ttl=2&pkt_size=1316"),
        ("udp://h:1?pkt_size=188", "udp://h:1?pkt_size=188"),
    ],
)
def test_datagrams_hold_whole_packets(url: str, sent: str) -> None:
    assert whole_packets(url) == sent


def test_what_a_url_says_of_the_way() -> None:
    assert goes_far("udp://239.0.0.1:5")
    assert not goes_far("udp://239.0.0.1:5?ttl=1")
    assert not goes_far("udp://10.0.0.1:5")
    assert is_listener("SRT://h:1?latency=1&mode=listener")
    assert not is_listener("srt://h:1?streamid=#!::mode=listener")
    assert wrong_parameter("srt://h:1?anything=goes") is None
