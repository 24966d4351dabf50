"""Slates by real FFmpegs: the parameters are the stream's byte for byte, and they decode, over the loop's seam too."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import pytest

from supervisor.config.shape import Audio, Source, Video
from supervisor.ffmpeg.argv import encoder_argv
from supervisor.ffmpeg.destinations import CLOCK, TAP_PORT, sender_mark
from supervisor.ffmpeg.parameters import Parameters, parse_parameters, picture
from supervisor.ffmpeg.slate import Still, plain_ground, proof_argv, slate_argv
from supervisor.machine.data_dir import DataDir
from supervisor.machine.ffmpeg_binary import Binary, find
from supervisor.machine.slates import Quietly, Slates
from supervisor.model.quantities import Size

DATAGRAM = 7 * 188
TEXT = 'Back soon: it\'s 100% \\ [x],;\n"Ä€" %{pts}'
TAGGED = "setparams=range=full:color_primaries=bt709:color_trc=bt709:colorspace=bt709"


@pytest.fixture
def binary(ffmpeg: str) -> Binary:
    return find(ffmpeg)


@pytest.fixture
def slates(tmp_path: Path, binary: Binary) -> Iterator[Slates]:
    data_dir = DataDir(tmp_path / "da ta:'%d")
    yield Slates(data_dir.folder("slates"), binary, run=Quietly())
    data_dir.close()


def filled(argv: list[str], port: int) -> list[str]:
    """A command line with what neverdark fills in when a run begins."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        known = {CLOCK: "36000", TAP_PORT: "9", f"localport={sender_mark('')}": "ttl=1"}
        known |= {f"localport={sender_mark('a')}": f"localport={free.getsockname()[1]}"}
        for mark, value in known.items():
            argv = [word.replace(mark, value) for word in argv]
        return [word.replace(":0?pkt", f":{port}?pkt") for word in argv]


def received(argv: list[str], enough: int) -> bytes:
    """What an encoder sends to its destination, `enough` keyframes of it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        place.bind(("127.0.0.1", 0))
        place.settimeout(30)
        media, keyframes, until = b"", 0, time.monotonic() + 60
        with subprocess.Popen(filled(argv, place.getsockname()[1]), stdin=subprocess.DEVNULL) as encoder:
            try:
                while keyframes < enough and time.monotonic() < until:
                    media += (datagram := place.recv(2000))
                    keyframes += bool(parse_parameters(datagram).video)
            finally:
                encoder.kill()
        assert keyframes == enough
        return media


def sent(media: bytes) -> Parameters:
    """The parameters, which are the same at each keyframe."""
    parts = [parse_parameters(media[at : at + DATAGRAM]) for at in range(0, len(media), DATAGRAM)]
    assert len({part.video for part in parts if part.video}) == 1
    return reduce(Parameters.updated, parts)


def encoder(binary: Binary, source: str, video: Video, audio: Audio) -> list[str]:
    of = Source.model_validate({"url": source, "format": "lavfi"})
    return encoder_argv(binary, of, video, audio, links={"a": 0}, progress_url="udp://127.0.0.1:9", read_timeout=5)


@pytest.mark.parametrize(
    ("source", "video", "audio"),
    [
        ("testsrc2=size=160x120:rate=25", {"size": "320x180", "fps": 30, "bitrate": "1M"}, {}),
        (f"testsrc2=size=320x180:rate=30,format=yuvj420p,{TAGGED}", {"preset": "fast"}, {"source": "none"}),
    ],
    ids=["all is configured", "all is learned"],
)
def test_a_slates_parameters_are_the_streams(
    slates: Slates, binary: Binary, tmp_path: Path, source: str, video: dict[str, object], audio: dict[str, str]
) -> None:
    canonical, sound = Video.model_validate(video | {"keyframe_interval": 0.5}), Audio.model_validate(audio)
    own = sent(received(encoder(binary, source, canonical, sound), 2))
    shown = picture(own)
    assert shown
    assert shown.rate
    size = Size(shown.width, shown.height)
    known = canonical.model_copy(update={"size": size, "fps": canonical.fps or shown.rate})
    image = tmp_path / "we ird%03d's:é.jpg"
    drawn = ("-f", "lavfi", "-i", "testsrc2=size=90x200", "-frames:v", "1", "-f", "image2", "-update", "1")
    subprocess.run([binary.path, "-v", "error", "-nostdin", *drawn, f"file:{image}"], check=True)

    text = Still(TEXT, known, sound, colours=shown.colours, seconds=1)
    for still in (text, Still("", known, sound, image=image, colours=shown.colours, seconds=1)):
        path = slates.make(still)
        assert slates.find(still) == path
        assert slates.find(plain_ground(still)) is None, "it is what it was to be"
        argv = slate_argv(binary, still, str(path), links={"a": 0}, progress_url="udp://127.0.0.1:9")
        media = received(argv, 4)  # two rounds
        assert sent(media) == own
        assert decoded(binary, media) == ""
    row = shown_row(binary, path, size)
    edges, middle = row[: size.width // 4] + row[-size.width // 4 :], row[size.width // 2 - 30 : size.width // 2 + 30]
    assert max(edges) < 24, "black beside an image of another shape"
    assert max(middle) > 100


def shown_row(binary: Binary, path: Path, size: Size) -> bytes:
    """How bright the middle of the picture is, from left to right."""
    frame = subprocess.run(proof_argv(binary, str(path)), capture_output=True, timeout=60, check=True).stdout
    at = size.height // 2 * size.width
    return frame[at : at + size.width]


def decoded(binary: Binary, media: bytes) -> str:
    """What FFmpeg finds wrong with it, but for the frame and the sound in which it was cut off."""
    packets = [media[at : at + 188] for at in range(0, len(media), 188)]
    ends = {pid(packet): number for number, packet in enumerate(packets) if packet[1] & 0x40}
    whole = b"".join(packet for number, packet in enumerate(packets) if number < ends.get(pid(packet), 0))
    argv = [binary.path, "-v", "error", "-nostdin", "-f", "mpegts", "-i", "pipe:0", "-f", "null", "-"]
    return subprocess.run(argv, input=whole, capture_output=True, timeout=60, check=True).stderr.decode()


def pid(packet: bytes) -> int:
    return (packet[1] << 8 | packet[2]) & 0x1FFF
