"""Where an encoder's media goes, with real links: each run has ports of its own, and only these are heard."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator

import pytest

from supervisor.ffmpeg.destinations import media_output
from supervisor.ffmpeg.parameters import Parameters
from supervisor.machine.machine import Machine
from supervisor.machine.media_links import MediaLinks
from supervisor.model.quantities import PortRange
from supervisor.process.feeds import Feeds
from tests.unit.transport_stream import AUDIO, PICTURE_SET, SLICE, keyframe, packet, pes, sequence

SPS, OTHER = sequence(1280, 720, (25, 1)), sequence(640, 360, (25, 1))


@pytest.fixture
def links() -> Iterator[MediaLinks]:
    links = MediaLinks(PortRange(32400, 32699), str(os.getpid()))
    yield links
    links.keep_only(set())


@pytest.fixture
def feeds(links: MediaLinks) -> Iterator[Feeds]:
    feeds = Feeds(Machine(), links, "cam")
    yield feeds
    feeds.close()


def ports(feeds: Feeds, *names: str) -> tuple[dict[str, int], int, str]:
    """Begin a run: the ports of its destinations, that of its side output, and the words of its output."""
    fill = feeds.begin_run(names)
    marks = {name: int(fill(f"{{from-{name}}}")) for name in names}
    words = [fill(word) for word in media_output(dict.fromkeys(names, 1), copied_sound=True)]
    return marks, int(fill("{from-}")), words[-1]


def send(port: int, to: int, *datagrams: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as encoder:
        encoder.bind(("127.0.0.1", port))
        for datagram in datagrams:
            encoder.sendto(datagram, ("127.0.0.1", to))


def received(links: MediaLinks, name: str) -> list[bytes]:
    found = []
    with socket.socket(fileno=os.dup(links.get("cam", name).fd)) as reader:
        while True:
            try:
                found.append(reader.recv(2000, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return found


def test_every_port_is_filled_in_and_they_are_all_different(feeds: Feeds) -> None:
    marks, own, output = ports(feeds, "a", "a-b", "from-a")
    assert len({*marks.values(), own, feeds.tap.port}) == 5
    assert "{" not in output
    *media, tap = output.split("|")
    for (name, port), branch in zip(marks.items(), media, strict=True):
        assert branch.endswith(f"&localport={port}"), name
    assert rf"udp\://127.0.0.1\:{feeds.tap.port}?" in tap
    assert tap.endswith(f"&localport={own}")


def test_other_words_are_left_as_they_are(feeds: Feeds) -> None:
    fill = feeds.begin_run(["a"])
    for word in ("", "-i", "{progress}", "rtsp://h/{from-b}", "drawtext=text='{x}'"):
        assert fill(word) == word


def test_each_destinations_media_comes_from_its_own_port(feeds: Feeds, links: MediaLinks) -> None:
    for name in ("a", "b"):
        links.get("cam", name).read(by_somebody=True)
    marks, own, _ = ports(feeds, "a", "b")
    for port in (*marks.values(), own):
        for name in ("a", "b"):
            send(port, links.port("cam", name), b"from %d" % port)
    assert received(links, "a") == [b"from %d" % marks["a"]]
    assert received(links, "b") == [b"from %d" % marks["b"]]


def test_the_run_before_is_heard_no_more(feeds: Feeds, links: MediaLinks) -> None:
    links.get("cam", "a").read(by_somebody=True)
    (before, own_before), (now, own) = (ports(feeds, "a")[:2] for _ in range(2))
    assert before["a"] != now["a"]
    assert own_before != own
    send(before["a"], links.port("cam", "a"), b"before")
    send(now["a"], links.port("cam", "a"), b"now")
    assert received(links, "a") == [b"now"]
    send(own_before, feeds.tap.port, keyframe(SPS, PICTURE_SET, SLICE))
    assert feeds.heard(0.0) is None


def test_when_no_run_is_there_nobody_is_heard(feeds: Feeds, links: MediaLinks) -> None:
    links.get("cam", "a").read(by_somebody=True)
    marks, _, _ = ports(feeds, "a")
    feeds.ended()
    feeds.ended()  # nothing more to end
    send(marks["a"], links.port("cam", "a"), b"anybody")
    assert received(links, "a") == []
    assert links.get("cam", "a").sender is None


def test_what_the_tap_tells_is_put_together_and_outlives_the_run(feeds: Feeds) -> None:
    assert (feeds.heard(0.0), feeds.current) == (None, None)
    _, own, _ = ports(feeds, "a")
    send(own, feeds.tap.port, keyframe(SPS, PICTURE_SET, SLICE))
    shown = Parameters(frozenset({SPS, PICTURE_SET}))
    assert feeds.heard(0.0) == feeds.current == shown
    assert feeds.heard(0.0) is None
    sound = packet(AUDIO, pes(b"\xff\xf1\x4c\x80\x00\x00\x00"), begins=True)
    send(own, feeds.tap.port, *[sound] * 200)  # of which the kernel lets some through
    both = Parameters(shown.video, b"aac\x4c\x80")
    assert feeds.heard(0.0) == feeds.current == both
    feeds.ended()
    assert feeds.current == both
    _, own, _ = ports(feeds, "a")
    send(own, feeds.tap.port, keyframe(OTHER, PICTURE_SET, SLICE))
    assert feeds.heard(0.0) == Parameters(frozenset({OTHER, PICTURE_SET}), both.audio)


def test_who_takes_a_port_before_the_encoder_has_it_is_found_and_not_heard(feeds: Feeds, links: MediaLinks) -> None:
    """An encoder that waits for its camera has not bound the ports that its command line names."""
    links.get("cam", "a").read(by_somebody=True)
    marks, _, _ = ports(feeds, "a", "b")
    somebody_else = os.getppid()
    assert not feeds.robbed_by(somebody_else), "nobody has them yet"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", marks["b"]))
        assert not feeds.robbed_by(os.getpid()), "the encoder itself has them"
        assert feeds.robbed_by(somebody_else)
    send(marks["a"], links.port("cam", "a"), b"x")
    assert received(links, "a") == [], "from then on nothing is taken"


def test_a_run_that_ends_just_now_was_not_robbed(feeds: Feeds) -> None:
    """The kernel may close a dead encoder's sockets later than it takes its descriptors away."""
    marks, _, _ = ports(feeds, "a")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as left, subprocess.Popen(["true"]) as ended:
        left.bind(("127.0.0.1", marks["a"]))
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert not feeds.robbed_by(ended.pid)


def test_how_far_keyframes_are_apart_is_known_and_a_pause_between_two_runs_is_not_meant(feeds: Feeds) -> None:
    assert feeds.keyframe_distance == 0.0
    for times, distance in (((100.0, 110.0, 120.5), 10.5), ((500.0,), 10.5), ((510.0, 514.0), 4.0)):
        _, own, _ = ports(feeds, "a")
        for now in times:
            send(own, feeds.tap.port, keyframe(SPS, PICTURE_SET, SLICE))
            feeds.heard(now)
            send(own, feeds.tap.port, packet(AUDIO, pes(b"\xff\xf1\x4c\x80\x00\x00\x00"), begins=True))
            feeds.heard(now + 1)  # sound, which comes all the time
        assert feeds.keyframe_distance == distance
