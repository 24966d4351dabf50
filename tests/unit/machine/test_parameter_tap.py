"""The tap with real datagrams: of a stream it hears what begins a keyframe, and of strangers nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from supervisor.ffmpeg.parameters import Parameters
from supervisor.machine.parameter_tap import ParameterTap
from tests.unit.transport_stream import AUDIO, PICTURE_SET, SLICE, VIDEO, filler, keyframe, packet, pes, sequence, units

SPS = sequence(1280, 720, (25, 1))
OTHER = sequence(640, 360, (25, 1))
KEYFRAME = keyframe(SPS, PICTURE_SET, SLICE)
FOUND = Parameters(frozenset({SPS, PICTURE_SET}))
SOUND = packet(AUDIO, pes(b"\xff\xf1\x4c\x80\x00\x00\x00"), begins=True)
MIDDLE = packet(VIDEO, b"\x55" * 150)
NO_KEY = packet(VIDEO, pes(units(SPS, PICTURE_SET, SLICE)), begins=True)


@pytest.fixture
def tap() -> Iterator[ParameterTap]:
    tap = ParameterTap()
    yield tap
    tap.close()


@pytest.fixture
def encoder(tap: ParameterTap) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as encoder:
        encoder.bind(("127.0.0.1", 0))
        encoder.connect(("127.0.0.1", tap.port))
        tap.listen_to(encoder.getsockname()[1])
        yield encoder


def waiting(tap: ParameterTap) -> int:
    """How many datagrams have been let through."""
    count = 0
    while tap._next():
        count += 1
    return count


@pytest.mark.parametrize("before", range(7))
def test_a_keyframe_is_heard_wherever_in_a_datagram_it_begins(
    tap: ParameterTap, encoder: socket.socket, before: int
) -> None:
    for other in (filler(), MIDDLE, NO_KEY.replace(b"\x47\x41", b"\x47\x01", 1)):
        encoder.send(other * before + KEYFRAME + filler() * (6 - before))
        assert tap.read() == FOUND
        encoder.send(other * before + KEYFRAME)  # the last datagram of a burst is a short one
        assert tap.read() == FOUND


def second_of_sound(datagram: bytes, encoder: socket.socket) -> None:
    """Of its pieces the kernel lets one in eight through, by chance: none of 200 in one of 400,000,000,000 tests."""
    for _ in range(200):
        encoder.send(datagram)


@pytest.mark.parametrize("before", range(7))
def test_sound_is_heard_wherever_in_a_datagram_it_begins(
    tap: ParameterTap, encoder: socket.socket, before: int
) -> None:
    second_of_sound(filler() * before + SOUND + filler() * (6 - before), encoder)
    assert tap.read() == Parameters(audio=b"aac\x4c\x80")


def test_a_keyframe_is_heard_behind_ten_seconds_of_sound(tap: ParameterTap, encoder: socket.socket) -> None:
    """FFmpeg holds sound back until the next keyframe: it filled the socket, and the keyframe was lost."""
    for _ in range(940):
        encoder.send(SOUND)
    encoder.send(KEYFRAME)
    assert tap.read() == FOUND.updated(Parameters(audio=b"aac\x4c\x80"))


@pytest.mark.parametrize("before", range(6))
def test_a_keyframe_is_heard_behind_sound_in_the_same_datagram(
    tap: ParameterTap, encoder: socket.socket, before: int
) -> None:
    for _ in range(40):
        encoder.send(SOUND * before + SOUND + KEYFRAME)
    assert waiting(tap) == 40


def test_how_far_keyframes_are_apart_is_known_for_each_run(tap: ParameterTap, encoder: socket.socket) -> None:
    for shown in (0, 8):
        stamp = bytes((0x21, 0, 1, 0, 1)) if not shown else bytes((0x21, 0, 0x2B, 0xF9, 1))
        encoder.send(KEYFRAME.replace(b"\x21\x00\x01\x00\x01", stamp, 1))
    assert tap.read() == FOUND
    assert tap.keyframes.longest == 8.0
    tap.listen_to(encoder.getsockname()[1])
    assert tap.keyframes.longest is None


@pytest.mark.parametrize(
    "datagram",
    [filler() * 7, MIDDLE * 7, NO_KEY + filler() * 6, packet(AUDIO, b"\x55" * 150) * 7, b"", b"x", bytes(1316)],
    ids=["other tracks", "the middle", "a frame that is no keyframe", "the middle of sound", "nothing", "one", "zeros"],
)
def test_the_kernel_lets_nothing_else_through(tap: ParameterTap, encoder: socket.socket, datagram: bytes) -> None:
    encoder.send(datagram)
    assert waiting(tap) == 0


def test_of_a_keyframe_the_one_datagram_that_begins_it(tap: ParameterTap, encoder: socket.socket) -> None:
    encoder.send(KEYFRAME + MIDDLE * 6)
    for _ in range(30):
        encoder.send(MIDDLE * 7)
    assert waiting(tap) == 1


def test_strangers_are_not_heard(tap: ParameterTap, encoder: socket.socket) -> None:
    for address in ("127.0.0.1", "127.0.0.2"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((address, 0 if address == "127.0.0.1" else encoder.getsockname()[1]))
            stranger.sendto(KEYFRAME, ("127.0.0.1", tap.port))
    assert tap.read() is None
    assert waiting(tap) == 0


def test_before_there_is_an_encoder_nobody_is_heard(tap: ParameterTap) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as early:
        early.sendto(KEYFRAME, ("127.0.0.1", tap.port))
    assert tap.read() is None


def test_the_encoder_before_is_forgotten_with_what_it_said_last(tap: ParameterTap, encoder: socket.socket) -> None:
    encoder.send(KEYFRAME)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as new:
        new.bind(("127.0.0.1", 0))
        tap.listen_to(new.getsockname()[1])
        encoder.send(KEYFRAME)
        assert tap.read() is None
        new.sendto(keyframe(OTHER, PICTURE_SET, SLICE), ("127.0.0.1", tap.port))
        assert tap.read() == Parameters(frozenset({OTHER, PICTURE_SET}))


def test_of_several_the_newest_counts_and_sound_and_picture_are_put_together(
    tap: ParameterTap, encoder: socket.socket
) -> None:
    encoder.send(KEYFRAME)
    second_of_sound(SOUND, encoder)
    encoder.send(keyframe(OTHER, PICTURE_SET, SLICE))
    assert tap.read() == Parameters(frozenset({OTHER, PICTURE_SET}), b"aac\x4c\x80")
    assert tap.read() is None


def test_it_listens_on_the_loopback_alone(tap: ParameterTap) -> None:
    assert tap._socket.getsockname() == ("127.0.0.1", tap.port)


def test_a_kernel_that_takes_no_filter_costs_more_and_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("supervisor.machine.parameter_tap._attach", refused)
    tap = ParameterTap()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as encoder:
        encoder.bind(("127.0.0.1", 0))
        tap.listen_to(encoder.getsockname()[1])
        for datagram in (MIDDLE * 7, KEYFRAME, filler() * 7):
            encoder.sendto(datagram, ("127.0.0.1", tap.port))
        assert tap.read() == FOUND
    tap.close()
