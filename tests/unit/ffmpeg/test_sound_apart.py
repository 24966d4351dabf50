"""The command lines of encoders whose sound is not that of their picture, and what the player says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.shape import Audio, Source, Video
from supervisor.ffmpeg.argv import encoder_argv
from supervisor.ffmpeg.beside import with_companions
from supervisor.ffmpeg.failure import classify
from supervisor.ffmpeg.tracks import Tracks
from supervisor.model.content import Bounds, ContentPolicy, Defect
from supervisor.model.terms import Exit, ExitCause, Role, TrackResult

COVER = {"url": "/media/cover.jpg", "loop": True}
MUSIC = {"playlist": "/music"}


class Binary:
    path = "/usr/bin/ffmpeg"
    version = (9, 0)


def argv(
    source: dict[str, Any],
    video: dict[str, Any] | None = None,
    audio: dict[str, Any] | None = None,
    seen: ContentPolicy | None = None,
) -> list[str]:
    return encoder_argv(
        Binary(),
        Source.model_validate(source),
        Video.model_validate(video or {}),
        Audio.model_validate(audio or {}),
        links={"yt": 20000},
        progress_url="udp://127.0.0.1:1",
        read_timeout=5.0,
        seen=seen,
    )


def after(words: list[str], option: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words) if word == option]


def test_a_picture_and_a_list() -> None:
    words = argv(COVER, audio={"source": MUSIC})
    assert after(words, "-i") == ["/media/cover.jpg", "pipe:4"]
    assert "-stream_loop" not in words  # by which FFmpeg shows a picture once
    (graph,) = after(words, "-filter_complex")
    assert graph.startswith("[1:a:0]showwaves=s=2x2:r=25[nd_tick];[0:v:0][nd_tick]overlay=")
    assert "shortest=1:eof_action=endall" in graph
    assert after(words, "-map") == ["[nd_picture]", "1:a:0"]
    assert "-vf" not in words
    assert after(words, "-r") == ["25"]
    assert "anullsrc" not in " ".join(words)


def test_the_owners_picture_is_as_it_would_be_without() -> None:
    """Its size, its rate and its codec; the filters stand behind what ties it to the sound."""
    video = {"size": "640x360", "fps": 30, "bitrate": "1M"}
    usual, apart = argv(COVER, video), argv(COVER, video, {"source": MUSIC})
    (filters,), (graph,) = after(usual, "-vf"), after(apart, "-filter_complex")
    assert graph.endswith(f"{filters}[nd_picture]")
    for option in ("-c:v", "-preset", "-r", "-b:v", "-g", "-force_key_frames", "-c:a", "-b:a", "-ar", "-ac"):
        assert after(usual, option)[-1:] == after(apart, option)[-1:]


def test_a_cameras_clock_is_the_one_that_counts() -> None:
    """Paced by ours, sound held back a camera that is a little fast, until that had lost what it could not send."""
    assert after(argv({"url": "rtsp://cam/1"}, audio={"source": MUSIC}), "-readrate") == ["1.05"]
    words = argv(COVER, audio={"source": MUSIC})
    assert words.count("-re") == 2
    assert "-readrate" not in words


def test_a_camera_and_a_radio() -> None:
    words = argv({"url": "rtsp://cam/1"}, audio={"source": {"url": "https://radio/stream"}})
    assert after(words, "-i") == ["rtsp://cam/1", "https://radio/stream"]
    assert after(words, "-rw_timeout") == ["5000000"]


@pytest.mark.parametrize(("made", "filter_"), [("waveform", "showwaves=s=1280x720:"), ("still", "color=c=")])
def test_a_picture_is_made_of_sound_alone(made: str, filter_: str) -> None:
    words = argv(MUSIC, {"generate": made})
    assert after(words, "-i") == ["pipe:4"]
    (graph,) = after(words, "-filter_complex")
    assert filter_ in graph
    assert after(words, "-map") == ["[nd_picture]", "0:a:0"]
    assert after(words, "-r") == ["25"]


def test_a_generated_picture_has_the_owners_size_and_rate() -> None:
    words = argv({"url": "https://radio/stream"}, {"generate": "waveform", "size": "640x360", "fps": 29.97})
    (graph,) = after(words, "-filter_complex")
    assert "s=640x360:" in graph
    assert "r=30000/1001" in graph


def test_the_player_stands_before_the_encoder_and_loads_nothing_of_the_owners() -> None:
    source = Source.model_validate({"playlist": ["/music", "/b.m3u"], "shuffle": True, "loop": False})
    made = Video.model_validate({"generate": "still"})
    started = with_companions(["/usr/bin/ffmpeg", "-x"], source, made, Audio(), note=Path("/data/n"))
    _, *flags, program, options, first, last = started
    assert flags == ["-I", "-S"]
    assert Path(program).is_file()
    assert (first, last) == ("/usr/bin/ffmpeg", "-x")
    assert json.loads(options) == {
        "ffmpeg": "/usr/bin/ffmpeg",
        "list": ["/music", "/b.m3u"],
        "shuffle": True,
        "loop": False,
        "note": "/data/n.json",
    }


def test_the_sound_is_listened_to_and_a_picture_that_never_changes_is_not_looked_at() -> None:
    seen = ContentPolicy({Defect.FROZEN: Bounds(30.0), Defect.SILENT: Bounds(15.0, -70.0)}, 60.0, "fallback")
    words = argv(COVER, audio={"source": MUSIC}, seen=seen)
    (heard,) = after(words, "-filter:a:0")
    assert "astats" in heard
    assert not [word for word in words if "signalstats" in word]
    words.remove("-filter:a:0")
    words.remove(heard)
    assert words == argv(COVER, audio={"source": MUSIC})


def test_tracks_are_counted_and_told_once() -> None:
    tracks = Tracks()
    assert tracks.heed(b"[player] [info] playing a.mp3") is None
    assert tracks.heed(b"[player] [warning] skipped b.mp3: it is broken") == "skipped b.mp3: it is broken"
    assert tracks.heed(b"[player] [info] skipped b.mp3: it is broken") is None
    assert tracks.heed(b"[player] [warning] skipped b.mp3: it is broken") is None  # another run of the player
    assert tracks.heed(b"[player] [warning] there is no track") == "there is no track"
    assert tracks.heed(b"[info] [player] [info] playing c.mp3") is None
    assert tracks.counts == {TrackResult.PLAYED: 1, TrackResult.SKIPPED: 3}
    assert tracks.current == "a.mp3"
    assert tracks.heed(b"[player] [info] playing b.mp3") is None  # it was mended, and then it was not
    assert tracks.heed(b"[player] [warning] skipped b.mp3: it is broken") == "skipped b.mp3: it is broken"


def test_no_track_is_the_sources_failure_and_a_tracks_name_is_no_cause() -> None:
    named = "[player] [warning] skipped No space left on device.mp3: it has no sound that can be decoded"
    found = classify(
        Role.ENCODER, Exit(1, None), [named, "[player] [fatal] no track of the list can be played"], stopping=False
    )
    assert (found.cause, found.said) == (
        ExitCause.SOURCE_UNREACHABLE,
        "no track of the source's list can be played",
    )
    assert classify(Role.ENCODER, Exit(0, None), [named], stopping=False).cause is ExitCause.SOURCE_ENDED


# --- a program, a device, a list of videos ---------------------------------------------------------


def beside(source: dict[str, Any], audio: dict[str, Any] | None = None) -> list[tuple[str, dict[str, Any]]]:
    """What is started before the encoder, in this order: which program, with which options."""
    read, sound = Source.model_validate(source), Audio.model_validate(audio or {})
    words = with_companions(["ffmpeg"], read, Video.model_validate({"fps": 29.97}), sound, note=Path("/d/n"))
    assert words[-1] == "ffmpeg"
    return [(Path(words[at]).name, json.loads(words[at + 1])) for at in range(3, len(words) - 1, 5)]


def test_a_program_is_started_with_the_encoder_and_read_where_it_is_told() -> None:
    program = ["yt-dlp", "-o", "-", "https://v/1"]
    words = argv({"pipe": program, "format": "mpegts"})
    assert after(words, "-i")[0] == "pipe:5"
    assert after(words, "-f")[0] == "mpegts"
    assert "-re" in words
    assert not {"yt-dlp", "https://v/1"} & set(words)
    assert beside({"pipe": program}) == [("pipe.py", {"program": program, "descriptor": 5})]
    assert "-re" not in argv({"pipe": program, "realtime": False})


def test_a_program_for_the_picture_and_one_for_the_sound() -> None:
    apart = {"source": {"pipe": ["b"]}}
    assert after(argv({"pipe": ["a"]}, audio=apart), "-i") == ["pipe:5", "pipe:6"]
    assert {options["program"][0]: options["descriptor"] for _, options in beside({"pipe": ["a"]}, apart)} == {
        "a": 5,
        "b": 6,
    }


def test_a_camera_and_a_sound_card_of_this_machine() -> None:
    camera = {"v4l2": "/dev/video0", "size": "1280x720", "fps": 30, "format": "mjpeg"}
    words = argv(camera, audio={"source": {"alsa": "hw:1", "channels": 1}})
    assert after(words, "-i") == ["/dev/video0", "hw:1"]
    assert after(words, "-f")[:2] == ["v4l2", "alsa"]
    assert after(words, "-input_format") == ["mjpeg"]
    assert after(words, "-video_size") == ["1280x720"]
    assert after(words, "-framerate") == ["30"]
    assert after(words, "-channels") == ["1"]
    assert "-re" not in words


def test_a_list_of_videos_comes_as_frames_and_samples() -> None:
    words = argv({"playlist": "/films"}, {"size": "640x360", "fps": 29.97})
    assert after(words, "-i") == ["pipe:5", "pipe:4"]
    assert after(words, "-video_size") == ["640x360"]
    assert after(words, "-framerate") == ["30000/1001"]
    assert after(words, "-map") == ["0:v:0", "1:a:0"]
    ((name, options),) = beside({"playlist": "/films"})
    assert name == "videos.py"
    assert (options["size"], options["rate"], options["sound"], options["tells"]) == (
        "1280x720",
        "30000/1001",
        True,
        True,
    )


@pytest.mark.parametrize("sound", ["silence", "none"])
def test_the_sound_of_a_list_of_videos_can_be_left_out(sound: str) -> None:
    words = argv({"playlist": "/films"}, audio={"source": sound})
    assert "pipe:4" not in words
    assert beside({"playlist": "/films"}, {"source": sound})[0][1]["sound"] is False


def test_of_two_lists_that_of_the_sound_is_told() -> None:
    apart = {"source": {"playlist": "/music"}}
    assert after(argv({"playlist": "/films"}, audio=apart), "-i") == ["pipe:5", "pipe:4"]
    assert [(name, options.get("tells"), options["note"]) for name, options in beside({"playlist": "/f"}, apart)] == [
        ("videos.py", False, "/d/n.videos.json"),
        ("play.py", None, "/d/n.json"),
    ]


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (["[pipe] [warning] HTTP error 403", "[pipe] [info] the program has ended"], ExitCause.SOURCE_ENDED),
        (["[pipe] [fatal] the program ended with exit code 1"], ExitCause.SOURCE_UNREACHABLE),
        (["[pipe] [fatal] the program cannot be started: No such file"], ExitCause.SOURCE_UNREACHABLE),
    ],
)
def test_the_end_of_a_program_is_the_sources(lines: list[str], cause: ExitCause) -> None:
    assert classify(Role.ENCODER, Exit(0, None), lines, stopping=False).cause is cause


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[video4linux2,v4l2 @ 0x1] [error] ioctl(VIDIOC_STREAMON): Device or resource busy", "another program uses"),
        ("[error] /dev/video0: No such file or directory", "a file or device that is read is not there"),
        ("[alsa @ 0x1] [error] cannot open audio device hw:1 (No such file or directory)", "a file or device"),
        (
            "[in#0 @ 0x1] [error] ioctl(VIDIOC_QUERYCAP): Inappropriate ioctl for device",
            "the source's path is no such device",
        ),
    ],
)
def test_a_device_that_cannot_be_read_is_the_sources_failure(line: str, said: str) -> None:
    failure = classify(Role.ENCODER, Exit(1, None), [line, "[error] x: Input/output error"], stopping=False)
    assert failure.cause is ExitCause.SOURCE_UNREACHABLE
    assert (failure.said or "").startswith(said)
