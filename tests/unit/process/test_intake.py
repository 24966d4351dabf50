"""The way through one pusher, with a real link: what a run begins with, what it says of itself, what is lost."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from supervisor.ffmpeg.parameters import Parameters
from supervisor.judge.progress_meter import ProgressMeter
from supervisor.machine.media_links import MediaLink, MediaLinks
from supervisor.model.quantities import PortRange
from supervisor.model.terms import Report
from supervisor.process.intake import Intake

KNOWN = Parameters(frozenset({b"\x67abc"}))


@pytest.fixture
def link() -> Iterator[MediaLink]:
    links = MediaLinks(PortRange(32100, 32399), str(os.getpid()))
    yield links.get("s", "d")
    links.keep_only(set())


class Encoder:
    """Sends as FFmpeg does, from a socket that is not connected: whoever refuses is not noticed."""

    def __init__(self, link: MediaLink) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self._to = ("127.0.0.1", link.port)

    def send(self, datagram: bytes) -> None:
        self.socket.sendto(datagram, self._to)


@pytest.fixture
def encoder(link: MediaLink) -> Iterator[Encoder]:
    encoder = Encoder(link)
    with encoder.socket:
        link.send_from(encoder.socket.getsockname()[1])
        yield encoder


def waiting(link: MediaLink) -> list[bytes]:
    found = []
    with socket.socket(fileno=os.dup(link.fd)) as reader:
        while True:
            try:
                found.append(reader.recv(2000, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return found


def test_what_an_encoder_sends_that_is_about_to_be_replaced_is_left_out(link: MediaLink, encoder: Encoder) -> None:
    """Its time is not that of the next one: a connection that began with it would jump."""
    intake = Intake(link)
    intake.begin_run(100.0, KNOWN)
    encoder.send(b"old")
    intake.await_next_run()
    encoder.send(b"old, too")
    assert (waiting(link), intake.announced) == ([], None)
    link.send_from(encoder.socket.getsockname()[1])  # as the next run does
    encoder.send(b"new")
    assert waiting(link) == [b"new"]


def test_media_gathers_from_a_run_on_and_not_before(link: MediaLink, encoder: Encoder) -> None:
    intake = Intake(link)
    encoder.send(b"early")
    intake.begin_run(100.0, KNOWN)
    encoder.send(b"media")
    assert waiting(link) == [b"media"]
    assert intake.announced == KNOWN


def test_who_is_replaced_at_once_loses_nothing(link: MediaLink, encoder: Encoder) -> None:
    intake = Intake(link)
    intake.begin_run(100.0, KNOWN)
    encoder.send(b"1")
    intake.begin_run(105.0, KNOWN)
    intake.ended(105.0, replaced=True)
    encoder.send(b"2")
    assert waiting(link) == [b"1", b"2"]


def test_who_is_back_within_a_second_begins_where_the_run_before_ended(link: MediaLink, encoder: Encoder) -> None:
    intake = Intake(link)
    intake.begin_run(100.0, KNOWN)
    encoder.send(b"1")
    intake.ended(105.0, replaced=False)
    encoder.send(b"meanwhile")
    intake.begin_run(105.9, KNOWN)
    assert waiting(link) == [b"1"]


def test_who_is_back_later_does_not_begin_in_the_past(link: MediaLink, encoder: Encoder) -> None:
    intake = Intake(link)
    intake.begin_run(100.0, KNOWN)
    encoder.send(b"1")
    intake.ended(105.0, replaced=False)
    intake.ended(106.5, replaced=False)  # an exit that is told twice does not make it younger
    intake.begin_run(106.6, KNOWN)
    encoder.send(b"2")
    assert waiting(link) == [b"2"]


def test_a_backlog_that_is_dropped_is_dropped_once(link: MediaLink, encoder: Encoder) -> None:
    intake = Intake(link)
    intake.begin_run(100.0, KNOWN)
    encoder.send(b"old")
    intake.drop_backlog()
    intake.begin_run(105.0, KNOWN)
    encoder.send(b"new")
    intake.begin_run(106.0, KNOWN)
    assert waiting(link) == [b"new"]


def test_what_an_encoder_that_is_gone_sent_last_is_not_announced_after_the_rest_was_thrown_away(
    link: MediaLink, encoder: Encoder
) -> None:
    intake = Intake(link)
    intake.begin_run(100.0, KNOWN)
    intake.ended(105.0, replaced=False)
    link.send_from(None)
    encoder.send(b"nobody hears it")
    intake.begin_run(120.0, KNOWN)
    assert intake.announced is None
    intake.ended(125.0, replaced=False)
    intake.begin_run(125.1, KNOWN)
    assert intake.announced == KNOWN, "what it sent may still be waiting"


# --- what it says ----------------------------------------------------------------------------------

STAMPS = [
    "[Eval @ 0x7ffd1c0] [warning] {}",
    "[warning] {}",
    "[warning] {}\r",
]


@pytest.mark.parametrize("line", STAMPS)
def test_time_stamps_are_for_us_and_for_nobody_else(link: MediaLink, line: str) -> None:
    intake = Intake(link)
    for n in range(5):
        assert intake.heed(line.format(f"{n}.000000").encode(), 100.0 + n)
        assert intake.heed(line.format(f"{1_000_000_000 + n}.500000").encode(), 100.0 + n)
    assert intake.offset(104.0) == pytest.approx(0.5)
    intake.begin_run(105.0, None)
    assert intake.offset(105.0) is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[warning] 1.5",
        b"[warning] 1.000000 and more",
        b"[error] 1.000000",
        b"[warning] nan",
        b"[Eval @ 0x1] [warning] " + b"9" * 200 + b".000000",
        b"[flv @ 0x1] [warning] Failed to update header with correct duration.",
    ],
)
def test_what_is_for_people_stays_for_people(link: MediaLink, line: bytes) -> None:
    intake = Intake(link)
    assert not intake.heed(line, 100.0)
    assert (intake.overruns, intake.offset(100.0)) == (0, None)


def test_an_overrun_is_counted_and_for_people_as_well(link: MediaLink) -> None:
    intake = Intake(link)
    assert not intake.heed(
        b"[udp @ 0x1] [error] Circular buffer overrun. Surviving due to overrun_nonfatal option", 1.0
    )
    assert intake.overruns == 1


# --- how far it is behind --------------------------------------------------------------------------


def advance(meter: ProgressMeter, second: int, media: float) -> None:
    meter.update(Report(25 * second + 1, media, None, 0, 0, ended=False), float(second), float(second))


def test_a_thin_line_is_behind_and_a_new_run_is_not(link: MediaLink) -> None:
    intake, feeder, own = Intake(link), ProgressMeter(video=True), ProgressMeter(video=True)
    intake.begin_run(0.0, None)
    for second in range(21):
        advance(feeder, second, float(second))
        advance(own, second, 0.4 * second)
        intake.weigh(feeder, own, float(second))
    assert intake.behind == pytest.approx(12.0, abs=0.7)
    intake.begin_run(20.0, None)
    assert intake.behind == 0.0


def test_who_has_not_begun_is_not_behind(link: MediaLink) -> None:
    intake, feeder, own = Intake(link), ProgressMeter(video=True), ProgressMeter(video=True)
    for second in range(21):
        advance(feeder, second, float(second))
        intake.weigh(feeder, own, float(second))
    assert intake.behind == 0.0


def test_datagrams_that_are_lost_are_an_overrun_each_second(link: MediaLink, encoder: Encoder) -> None:
    intake, meter = Intake(link), ProgressMeter(video=True)
    intake.begin_run(0.0, None)
    with socket.socket(fileno=os.dup(link.fd)) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for second, sent in enumerate((100, 0, 100)):
        for _ in range(sent):
            encoder.send(bytes(1316))
        intake.weigh(meter, meter, float(second))
    assert intake.overruns == 2
    assert intake.drops == link.drops > 150
