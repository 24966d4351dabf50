"""The branches that measure picture and sound, and what they tell; real FFmpegs are tried elsewhere."""

from __future__ import annotations

import pytest

from supervisor.config.shape import Audio, Source, Video
from supervisor.ffmpeg.argv import encoder_argv
from supervisor.ffmpeg.codecs import VIDEO_CODECS
from supervisor.ffmpeg.content import CONTENT_PORT, Reading, parse
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.model.content import Bounds, ContentPolicy, Defect, Level

BINARY = Binary("ffmpeg", (9, 0), frozenset(), frozenset())
BOTH = ContentPolicy({Defect.BLACK: Bounds(10, 0.03), Defect.SILENT: Bounds(15, -60)}, 60.0, "fallback")
PICTURE = BOTH._replace(bounds={Defect.FROZEN: Bounds(30)})
SOUND = BOTH._replace(bounds={Defect.LOUD: Bounds(10, -6)})


def argv(seen: ContentPolicy | None, encoder: str = "libx264", **audio: str) -> list[str]:
    return encoder_argv(
        BINARY,
        Source.model_validate({"url": "rtmp://10.0.0.5/live/cam"}),
        Video.model_validate({"codec": encoder}),
        Audio.model_validate(audio),
        links={"a": 20000},
        progress_url="udp://127.0.0.1:1",
        read_timeout=5.0,
        seen=seen,
    )


def after(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


def test_where_nobody_looks_the_command_line_is_as_it_was() -> None:
    words = argv(None)
    assert CONTENT_PORT not in " ".join(words)
    assert "split" not in after(words, "-vf")
    assert "-filter:a:0" not in words


@pytest.mark.parametrize("codec", VIDEO_CODECS)
def test_the_picture_is_measured_before_all_else_and_never_in_the_hardware(codec: str) -> None:
    graph = after(argv(BOTH, codec), "-vf")
    branch, rest = graph.split("nullsink;")
    assert branch.startswith("split[seen][shown];[seen]select=")
    assert "hwupload" not in branch
    assert rest == "[shown]null," + after(argv(None, codec), "-vf")
    told = [f"metadata=mode=print:key=lavfi.signalstats.{key}:" for key in ("YAVG", "YHIGH", "YDIF")]
    assert [branch.count(each) for each in told] == [1, 1, 1]
    assert branch.count(rf"file=udp\\://127.0.0.1\\:{CONTENT_PORT}:direct=1") == 3


def test_only_what_is_asked_for_is_measured() -> None:
    assert "-filter:a:0" not in argv(PICTURE)
    assert "split[seen]" in after(argv(PICTURE), "-vf")
    assert "-filter:a:0" in argv(SOUND)
    assert after(argv(SOUND), "-vf") == after(argv(None), "-vf")


def test_sound_that_may_be_missing_proves_that_it_is_the_sources() -> None:
    """The first track is the source's sound or, without one, our silence; there is a second one only if it is not."""
    words = argv(BOTH)
    assert "astats" in after(words, "-filter:a:0")
    assert "own_sound" not in after(words, "-filter:a:0")
    assert "own_sound" in after(words, "-filter:a:1")


@pytest.mark.parametrize("audio", [{"source": "none"}, {"source": "silence"}, {"source": "copy"}, {"codec": "copy"}])
def test_no_sound_ours_and_what_is_not_decoded_is_not_listened_to(audio: dict[str, str]) -> None:
    assert not [word for word in argv(BOTH, **audio) if word.startswith("-filter:a")]


@pytest.mark.parametrize(
    ("line", "reading"),
    [
        (b"lavfi.signalstats.YAVG=16\n", Reading(Level.LUMA, 0.0)),
        (b"lavfi.signalstats.YHIGH=235\n", Reading(Level.BRIGHT, 1.0)),
        (b"lavfi.signalstats.YDIF=0\n", Reading(Level.DIFFERENCE, 0.0)),
        (b"lavfi.signalstats.YDIF=21.9", Reading(Level.DIFFERENCE, 0.1)),
        (b"lavfi.signalstats.YDIF=2.19e-05\n", Reading(Level.DIFFERENCE, 1e-7)),
        (b"lavfi.astats.Overall.RMS_level=-24.084324\n", Reading(Level.SOUND, -24.084324)),
        (b"lavfi.astats.Overall.RMS_level=-inf\n", Reading(Level.SOUND, -120.0)),
        (b"lavfi.astats.Overall.Peak_level=0.125000\n", Reading(Level.PEAK, 0.125)),
        (b"neverdark.own_sound=1\n", Reading(Level.OWN_SOUND, 1.0)),
    ],
)
def test_what_a_line_tells(line: bytes, reading: Reading) -> None:
    found = parse(line)
    assert found is not None
    assert found.level is reading.level
    assert found.value == pytest.approx(reading.value)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"frame:0    pts:0       pts_time:0\n",
        b"lavfi.signalstats.YAVG=nan\n",
        b"lavfi.signalstats.YAVG=inf\n",
        b"lavfi.signalstats.YAVG=1e308\n",
        b"lavfi.signalstats.YAVG=\n",
        b"lavfi.signalstats.YAVG=16\nlavfi.signalstats.YAVG=16\n",
        b"lavfi.signalstats.UAVG=16\n",
        b"lavfi.signalstats.YAVG=16" + b"0" * 4000,
        b"\xff\x00" * 40,
        b"." * 79,
    ],
)
def test_what_is_none_of_it_is_passed_over(line: bytes) -> None:
    assert parse(line) is None
