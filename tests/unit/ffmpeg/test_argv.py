"""Command lines as tables: what stands where, and what must never stand there."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest

from supervisor.config.shape import Audio, Source, Video
from supervisor.ffmpeg.argv import encoder_argv, pusher_argv
from supervisor.ffmpeg.codecs import frame_rate
from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits
from supervisor.ffmpeg.sources import lacks_picture, waiting_for_picture
from supervisor.machine.ffmpeg_binary import Binary

OLD = Binary("/usr/bin/ffmpeg", (5, 1), frozenset(), frozenset())
NEW = Binary("/opt/ffmpeg", (9, 0), frozenset(), frozenset())
PROGRESS = "udp://127.0.0.1:30000"
BOTH = pytest.mark.parametrize("binary", [OLD, NEW], ids=["5.1", "9.0"])


def encoder(
    source: dict[str, object] | None = None,
    video: dict[str, object] | None = None,
    audio: dict[str, object] | None = None,
    *,
    binary: Binary = OLD,
    links: Mapping[str, int] = {"a": 20000},
    traits: Traits = NOTHING_KNOWN,
) -> list[str]:
    return encoder_argv(
        binary,
        Source.model_validate({"url": "rtmp://10.0.0.5/live/cam"} | (source or {})),
        Video.model_validate(video or {}),
        Audio.model_validate(audio or {}),
        links=links,
        progress_url=PROGRESS,
        read_timeout=5.0,
        traits=traits,
    )


def before_source(argv: list[str]) -> list[str]:
    """The options of the source, and what stands before them."""
    return argv[: argv.index("-i")]


def pusher(
    url: str, key: str | None = None, *, audio: bool = True, ca_file: str | None = None, binary: Binary = NEW
) -> list[str]:
    return pusher_argv(binary, url, key, progress_url=PROGRESS, audio=audio, ca_file=ca_file)


def value(argv: list[str], option: str) -> str:
    assert argv.count(option) == 1, f"{option} stands {argv.count(option)} times"
    return argv[argv.index(option) + 1]


def values(argv: list[str], option: str) -> list[str]:
    return [after for before, after in pairwise(argv) if before == option]


def contains(argv: list[str], *words: str) -> bool:
    size = len(words)
    return any(tuple(argv[at : at + size]) == words for at in range(len(argv) - size + 1))


SOURCES: list[tuple[dict[str, object], list[str]]] = [
    ({"url": "testsrc2=rate=25", "format": "lavfi"}, ["-re", "-f", "lavfi"]),
    ({"url": "testsrc2", "format": "lavfi", "realtime": False}, ["-f", "lavfi"]),
    ({"url": "/media/a.mp4"}, ["-re"]),
    ({"url": "file:/media/a.mp4", "loop": True}, ["-re", "-stream_loop", "-1"]),
    ({"url": "rtsp://cam/s"}, ["-rtsp_transport", "tcp", "-timeout", "5000000"]),
    ({"url": "RTSPS://cam/s"}, ["-rtsp_transport", "tcp", "-timeout", "5000000"]),
    ({"url": "rtmp://cam/live/x"}, ["-rw_timeout", "5000000"]),
    ({"url": "rtmps://cam/live/x", "loop": True}, ["-rw_timeout", "5000000"]),
    ({"url": "https://cam/x.m3u8?token=1"}, ["-re", "-rw_timeout", "5000000"]),
    ({"url": "https://cam/x.m3u8", "realtime": False}, ["-rw_timeout", "5000000"]),
    ({"url": "http://cam/list", "format": "hls"}, ["-re", "-rw_timeout", "5000000", "-f", "hls"]),
    (
        {"url": "http://cam/x.ts"},
        [
            "-rw_timeout",
            "5000000",
            "-reconnect",
            "1",
            "-reconnect_streamed",
            "1",
            "-reconnect_delay_max",
            "2",
        ],
    ),
    ({"url": "srt://cam:9000"}, ["-timeout", "5000000"]),
    ({"url": "udp://0.0.0.0:5000"}, ["-timeout", "5000000"]),
    ({"url": "/dev/video0", "format": "v4l2"}, ["-f", "v4l2"]),
    ({"url": "/dev/video0"}, []),
    ({"url": "pipe:0", "realtime": True}, ["-re"]),
    (
        {"url": "rtsp://cam/s", "options": ["-rtsp_transport", "udp"]},
        ["-rtsp_transport", "tcp", "-timeout", "5000000", "-rtsp_transport", "udp"],
    ),
]


@pytest.mark.parametrize(("source", "options"), SOURCES, ids=[str(row[0]["url"]) for row in SOURCES])
@BOTH
def test_source_options(source: dict[str, object], options: list[str], binary: Binary) -> None:
    argv = encoder(source, binary=binary)
    start = argv.index(PROGRESS) + 1
    assert argv[start : argv.index("-i") + 2] == [*options, "-i", source["url"]]


# Of a relay that gives sound at once and the picture with its next keyframe, and of a source without sound.
NO_PICTURE = {
    "5.1.9": ["[fatal] Stream map '0:v:0' matches no streams.", "To ignore this, add a trailing '?' to the map."],
    "9.0.2": [
        "[fatal] Stream map '' matches no streams.",
        "To ignore this, add a trailing '?' to the map.",
        "[error] Failed to set value '0:v:0' for option 'map': Invalid argument",
        "[error] Error parsing options for output file -.",
        "[fatal] Error opening output files: Invalid argument",
    ],
}


@pytest.mark.parametrize("said", NO_PICTURE.values(), ids=NO_PICTURE)
def test_a_picture_that_was_not_seen_may_come_later_and_sound_may_not(said: list[str]) -> None:
    relay, file = encoder({"url": "rtmp://relay/live/cam"}), encoder({"url": "/media/a.mp4"})
    assert lacks_picture(relay, said)
    assert not lacks_picture(file, said), "of a file nothing comes later"
    assert not lacks_picture(relay, [line.replace("0:v:0", "0:a:0") for line in said])
    assert not lacks_picture(relay, ["[error] rtmp://relay/live/cam: Connection refused"])


def test_who_waits_for_a_picture_leaves_the_owners_word_the_last() -> None:
    relay = encoder({"url": "rtmp://relay/live/cam", "options": ["-analyzeduration", "1"]})
    patient = waiting_for_picture(relay, 24.0)
    before, after = patient.index("-analyzeduration"), patient.index("-rw_timeout")
    assert patient[before:after] == ("-analyzeduration", "24000000")
    assert [*patient[:before], *patient[after:]] == relay
    file = encoder({"url": "/media/a.mp4"})
    assert list(waiting_for_picture(file, 24.0)) == file


@pytest.mark.parametrize("scheme", ["rtmp", "rtmps", "rtmpt"])
def test_an_rtmp_source_never_listens(scheme: str) -> None:
    assert "-timeout" not in encoder({"url": f"{scheme}://cam/live/x"})


@pytest.mark.parametrize(
    ("audio", "maps", "codec"),
    [
        ({}, ["0:v:0", "0:a:0?", "1:a:0"], "aac"),
        ({"source": "silence"}, ["0:v:0", "1:a:0"], "aac"),
        ({"source": "silence", "codec": "copy"}, ["0:v:0", "1:a:0"], "aac"),
        ({"source": "copy"}, ["0:v:0", "0:a:0"], "copy"),
        ({"codec": "copy"}, ["0:v:0", "0:a:0"], "copy"),
    ],
)
def test_audio_tracks(audio: dict[str, object], maps: list[str], codec: str) -> None:
    argv = encoder(audio=audio)
    assert values(argv, "-map") == maps
    assert value(argv, "-c:a") == codec
    has_silence = any(word.startswith("anullsrc") for word in argv)
    assert has_silence == ("1:a:0" in maps)


def test_no_audio() -> None:
    argv = encoder(audio={"source": "none"})
    assert values(argv, "-map") == ["0:v:0"]
    assert "-an" in argv
    assert "-c:a" not in argv


def test_silence_ends_with_the_source_where_that_does_not_freeze_the_picture() -> None:
    assert "-shortest" in encoder(binary=OLD)
    assert "-shortest" not in encoder(binary=NEW)
    assert "-shortest" not in encoder(audio={"source": "copy"}, binary=OLD)
    assert value(encoder(binary=NEW), "-max_interleave_delta") == "500000"


def test_software_video() -> None:
    argv = encoder(
        video={
            "size": "1920x1080",
            "fps": 29.97,
            "bitrate": "4500k",
            "keyframe_interval": 2,
            "preset": "veryfast",
        }
    )
    expected = {
        "-c:v": "libx264",
        "-preset": "veryfast",
        "-vf": "scale=1920:1080:force_original_aspect_ratio=decrease,pad=1920:1080:-1:-1,"
        "setsar='1+0*print(7770001,32)',format=yuv420p",
        "-fps_mode": "cfr",
        "-r": "30000/1001",
        "-b:v": "4500000",
        "-maxrate:v": "4500000",
        "-bufsize:v": "9000000",
        "-bf": "0",
        "-g": "60",
        "-sc_threshold": "0",
        "-force_key_frames": "expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+1.999))",
    }
    assert {option: value(argv, option) for option in expected} == expected


def test_video_with_nothing_asked_for_keeps_the_sources_size_and_rate() -> None:
    argv = encoder()
    assert value(argv, "-vf") == "setsar='if(sar,sar,1)+0*print(7770001,32)',format=yuv420p"
    assert value(argv, "-fps_mode") == "vfr"
    assert not {"-r", "-b:v", "-maxrate:v"} & set(argv)
    assert value(argv, "-preset") == "veryfast"  # x264's own would hold the first frames back for over a second


def test_copied_video_is_left_alone() -> None:
    argv = encoder(video={"codec": "copy"})
    assert value(argv, "-c:v") == "copy"
    assert not {"-vf", "-g", "-force_key_frames", "-bf", "-fps_mode"} & set(argv)


@pytest.mark.parametrize(
    ("codec", "pixels", "special"),
    [
        ("h264_vaapi", "format=nv12,hwupload", ("-rc_mode", "CBR")),
        ("h264_qsv", "format=nv12", ("-forced_idr", "1")),
        ("h264_nvenc", "format=yuv420p", ("-forced-idr", "1")),
        ("h264_v4l2m2m", "format=yuv420p", ("-bf", "0")),
        ("h264_videotoolbox", "format=yuv420p", ("-realtime", "1")),
    ],
)
def test_hardware_video(codec: str, pixels: str, special: tuple[str, str]) -> None:
    argv = encoder(video={"codec": codec, "bitrate": "3M", "preset": "p4"})
    assert value(argv, "-c:v") == codec
    assert value(argv, "-vf") == f"setsar='if(sar,sar,1)+0*print(7770001,32)',{pixels}"
    assert contains(argv, *special)
    assert ("-preset" in argv) == (codec in {"h264_qsv", "h264_nvenc"})
    assert ("-filter_hw_device" in argv[: argv.index("-i")]) == (codec == "h264_vaapi")


def branches(argv: list[str]) -> list[str]:
    assert argv[-3:-1] == ["-f", "tee"]
    return argv[-1].split("|")


def test_each_destination_and_the_tap_have_a_branch_of_their_own() -> None:
    options = (
        "[f=mpegts:mpegts_flags=+resend_headers:omit_video_pes_length=0:pes_payload_size=0:max_delay=40000"
        ":max_interleave_delta=500000]"
    )
    query = "?pkt_size=1316&bitrate=100000000&burst_bits=200000&localaddr=127.0.0.1&localport="
    *media, tap = branches(encoder(links={"a": 20000, "b-2": 20001}))
    assert media == [
        rf"{options}udp\://127.0.0.1\:20000{query}{{from-a}}",
        rf"{options}udp\://127.0.0.1\:20001{query}{{from-b-2}}",
    ]
    assert tap.endswith(r"]udp\://127.0.0.1\:{tap}?pkt_size=1316&localaddr=127.0.0.1&localport={from-}")


@pytest.mark.parametrize(
    ("audio", "sound"), [({"source": "copy"}, True), ({}, False), ({"source": "none"}, False)], ids=str
)
def test_the_tap_brings_keyframes_and_copied_sound_and_its_failure_is_nobodys(
    audio: dict[str, object],
    sound: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """Sound that is encoded here is what was asked for, always; only the source's own may change."""
    *_, tap = branches(encoder(audio=audio))
    options = tap[1 : tap.index("]")].split(":")
    assert {"f=mpegts", "onfail=ignore", "bsfs/v=noise=drop=not(key)"} <= set(options)
    assert sum(option.startswith("bsfs") for option in options) == 1, "FFmpeg 5 loses one of two"
    assert options[-1] == ("select=v,a" if sound else "select=v")


def test_an_encoder_without_a_port_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one media port"):
        encoder(links={})


RTMP: list[tuple[str, str | None, str, str, str]] = [
    ("rtmp://h/live", "KEY", "live", "KEY", "rtmp://h/live"),
    ("rtmp://h:1936/live2?backup=1", "KEY", "live2?backup=1", "KEY", "rtmp://h:1936/live2?backup=1"),
    ("rtmp://h/app/instance", "KEY?token=1", "app/instance", "KEY?token=1", "rtmp://h/app/instance"),
    ("rtmp://h/live/", "KEY", "live", "KEY", "rtmp://h/live"),
    ("rtmp://h/live/KEY", None, "live", "KEY", "rtmp://h/live"),
    ("rtmp://h/app/instance/KEY?token=1", None, "app/instance", "KEY?token=1", "rtmp://h/app/instance"),
    ("rtmps://h/live2?a=1&b=2", "KEY", "live2?a=1&b=2", "KEY", "rtmps://h/live2?a=1&b=2"),
    # A `#` is a character like any other, a slash at the end means nothing.
    ("rtmp://h/live/cam#1KEY", None, "live", "cam#1KEY", "rtmp://h/live"),
    ("rtmp://h/live#1", "KEY#2", "live#1", "KEY#2", "rtmp://h/live#1"),
    ("rtmp://h/live/KEY/", None, "live", "KEY", "rtmp://h/live"),
    ("rtmp://h/live//KEY", None, "live", "KEY", "rtmp://h/live"),
    ("rtmp://h//live//", "KEY", "live", "KEY", "rtmp://h/live"),
    ("rtmp://h/live-x/?streamname=KEY", None, "live-x", "?streamname=KEY", "rtmp://h/live-x"),
    ("rtmp://h/live-x/", "?streamname=KEY", "live-x", "?streamname=KEY", "rtmp://h/live-x"),
]


@pytest.mark.parametrize(("url", "key", "app", "name", "shown"), RTMP)
def test_rtmp_address(url: str, key: str | None, app: str, name: str, shown: str) -> None:
    argv = pusher(url, key)
    assert value(argv, "-rtmp_app") == app
    assert value(argv, "-rtmp_playpath") == name
    assert argv[-1] == shown
    assert "KEY" not in shown


def test_rtmps_certificates_are_verified() -> None:
    assert contains(pusher("rtmps://h/live", "KEY", ca_file="/ca.pem"), "-tls_verify", "1", "-ca_file", "/ca.pem")
    assert contains(pusher("rtmps://h/live", "KEY"), "-tls_verify", "1", "-rtmp_app")
    assert "-tls_verify" not in pusher("rtmp://h/live", "KEY", ca_file="/ca.pem")


def test_pusher_reads_the_socket_that_it_inherits_and_encodes_nothing() -> None:
    argv = pusher("rtmp://h/live", "KEY")
    start = argv.index(PROGRESS) + 1
    assert argv[start : argv.index("-map")] == [
        "-scan_all_pmts", "0", "-fpsprobesize", "0", "-analyzeduration", "100000000", "-probesize", "60000000",
        "-fflags", "+genpts+discardcorrupt", "-dts_delta_threshold", "3600", "-thread_queue_size", "2048",
        "-f", "mpegts", "-i", "pipe:3",
    ]  # fmt: skip
    assert values(argv, "-map") == ["0:v:0", "0:a:0"]
    assert values(pusher("rtmp://h/live", "KEY", audio=False), "-map") == ["0:v:0"]
    assert value(argv, "-c") == "copy"
    assert value(argv, "-max_interleave_delta") == "1000000"


def test_a_pusher_prints_the_time_stamps_of_both_tracks_where_there_are_two() -> None:
    argv = pusher("rtmp://h/live", "KEY")
    assert value(argv, "-bsf:v") == r"setts=pts=PTS:dts=if(mod(N\,25)\,DTS\,print(DTS*TB\,24)*0+DTS)"
    assert value(argv, "-bsf:a") == r"setts=pts=PTS:dts=if(mod(N\,47)\,DTS\,print(DTS*TB+1000000000\,24)*0+DTS)"
    assert not {"-bsf:v", "-bsf:a"} & set(pusher("rtmp://h/live", "KEY", audio=False))


@pytest.mark.parametrize("url", ["rtmp://h/live", "/a/b.mp4"])
def test_media_waits_in_a_pusher_not_in_front_of_it_whatever_the_version(url: str) -> None:
    """FFmpeg 6 has queues at its outputs as well, and eight packets fit into them by default."""
    assert values(pusher(url, "KEY", binary=OLD), "-thread_queue_size") == ["2048"]
    argv = pusher(url, "KEY", binary=NEW)
    assert values(argv, "-thread_queue_size") == ["2048", "2048"]
    behind_the_input = argv[argv.index("-i") :]
    assert behind_the_input.index("-thread_queue_size") < behind_the_input.index("-f"), "an option of the output"


@pytest.mark.parametrize(
    ("url", "key", "tail"),
    [
        ("srt://h:9000?latency=200", None, ["-f", "mpegts", "-mpegts_flags", "+resend_headers"]),
        ("srt://h:9000", "ID", ["-f", "mpegts", "-mpegts_flags", "+resend_headers", "-srt_streamid", "ID"]),
        ("srt://h:9000?streamid=#!::r=x", None, ["-f", "mpegts", "-mpegts_flags", "+resend_headers"]),
        ("/a/b.flv", None, ["-f", "flv", "-flvflags", "no_duration_filesize", "-y"]),
        ("/a/b#1?.50%.flv", None, ["-f", "flv", "-flvflags", "no_duration_filesize", "-y"]),
        ("/a/b.TS", None, ["-f", "mpegts", "-mpegts_flags", "+resend_headers", "-y"]),
        ("file:/a/b.mkv", None, ["-f", "matroska", "-y"]),
        (
            "/a/b.mp4",
            None,
            [
                "-f",
                "mp4",
                "-movflags",
                "+frag_keyframe+empty_moov+default_base_moof",
                "-bsf:a",
                "aac_adtstoasc",
                "-y",
            ],
        ),
    ],
)
def test_other_destinations(url: str, key: str | None, tail: list[str]) -> None:
    assert pusher(url, key)[-len(tail) - 1 :] == [*tail, url]


@pytest.mark.parametrize("url", ["gopher://user:secret@h/x", "/secret/movie.avi", "/secret/movie"])
def test_a_destination_that_cannot_be_pushed_to_is_an_error_without_the_url(url: str) -> None:
    with pytest.raises(ValueError, match="use ") as caught:
        pusher(url)
    assert "secret" not in str(caught.value)


@BOTH
def test_logs_are_quiet_and_progress_goes_its_own_way(binary: Binary) -> None:
    argv = encoder(binary=binary)
    assert argv[0] == binary.path
    assert {"-nostdin", "-nostats", "-hide_banner"} <= set(argv)
    assert value(argv, "-loglevel") == "level+info", "what it reads is described at that level, and heeded"
    assert value(argv, "-progress") == PROGRESS


@pytest.mark.parametrize(
    ("fps", "text"),
    [
        (25.0, "25"),
        (29.97, "30000/1001"),
        (23.976, "24000/1001"),
        (59.94, "60000/1001"),
        (12.5, "12.5"),
        (30.0, "30"),
    ],
)
def test_frame_rates_are_exact(fps: float, text: str) -> None:
    assert frame_rate(fps) == text


RTSP: dict[str, object] = {"url": "rtsp://h/a"}
MJPEG: dict[str, object] = {"url": "http://h/video"}
WALL_CLOCK = ("-use_wallclock_as_timestamps", "1")


@BOTH
def test_where_sound_is_declared_and_none_comes_silence_alone_goes_out(binary: Binary) -> None:
    argv = encoder(RTSP, binary=binary, traits=Traits(silent=True))
    assert values(argv, "-map") == ["0:v:0", "1:a:0"]
    assert contains(before_source(argv), "-allowed_media_types", "video"), "or FFmpeg looks for it for 5 s"
    assert "-allowed_media_types" not in encoder(traits=Traits(silent=True)), "that is a word of RTSP's"


@pytest.mark.parametrize("audio", [{"source": "copy"}, {"source": "none"}, {"codec": "copy"}])
def test_who_did_not_leave_the_sound_open_keeps_it(audio: dict[str, object]) -> None:
    assert values(encoder(RTSP, audio=audio, traits=Traits(silent=True)), "-map") == values(
        encoder(RTSP, audio=audio), "-map"
    )


@pytest.mark.parametrize(
    ("source", "traits"),
    [
        (MJPEG, Traits(untimed=True)),
        (MJPEG | {"format": "mjpeg"}, NOTHING_KNOWN),
        (MJPEG | {"format": "mpjpeg"}, NOTHING_KNOWN),
    ],
)
def test_frames_without_time_stamps_get_the_time_of_their_arrival(source: dict[str, object], traits: Traits) -> None:
    argv = encoder(source, traits=traits)
    assert contains(before_source(argv), *WALL_CLOCK)
    assert contains(argv, "-fps_mode", "cfr", "-r", "25")


def test_a_file_of_such_frames_is_read_at_its_own_speed() -> None:
    argv = encoder({"url": "/srv/a.mjpeg", "format": "mjpeg"}, traits=Traits(untimed=True))
    assert not contains(argv, *WALL_CLOCK)
    assert contains(argv, "-fps_mode", "vfr")


def test_options_of_the_owner_win_over_what_was_found_out() -> None:
    own = ["-use_wallclock_as_timestamps", "0", "-fpsprobesize", "5"]
    argv = before_source(encoder(MJPEG | {"options": own}, traits=Traits(untimed=True, rate=1.0)))
    assert argv[-len(own) :] == own


def test_few_frames_are_repeated_and_looked_at_less() -> None:
    argv = encoder(RTSP, traits=Traits(rate=0.2))
    assert contains(before_source(argv), "-fpsprobesize", "0", "-threads", "1")
    assert contains(argv, "-fps_mode", "cfr", "-r", "25")
    assert value(argv, "-max_interleave_delta") == "60500000", "or their sound would be behind them from the start"
    assert contains(encoder(RTSP, {"fps": 10}, traits=Traits(rate=0.2)), "-fps_mode", "cfr", "-r", "10")
    assert contains(encoder(RTSP, {"codec": "copy"}, traits=Traits(rate=0.2)), "-c:v", "copy")


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (
            {"listen": "rtmp", "port": 1935, "key": "abc"},
            ["-listen", "1", "-rw_timeout", "5000000", "-i", "rtmp://127.0.0.1:1935/live/abc"],
        ),
        (
            {"listen": "srt", "port": 9000, "passphrase": "a b%c&d?e#f", "options": ["-latency", "200000"]},
            [
                *("-mode", "listener", "-timeout", "5000000", "-passphrase", "a b%c&d?e#f", "-latency", "200000"),
                *("-i", "srt://127.0.0.1:9000"),
            ],
        ),
        ({"listen": "srt", "port": 9000}, ["-mode", "listener", "-timeout", "5000000", "-i", "srt://127.0.0.1:9000"]),
    ],
)
def test_who_listens_waits_without_end_and_bounds_the_silence_of_who_came(
    source: dict[str, object], options: list[str]
) -> None:
    argv = encoder_argv(
        OLD,
        Source.model_validate(source),
        Video(),
        Audio(source="none"),
        links={"a": 20000},
        progress_url=PROGRESS,
        read_timeout=5.0,
    )
    assert contains(argv, *options)
    assert "-re" not in argv


@pytest.mark.parametrize(
    ("audio", "maps"),
    [
        ({}, ["0:v:2", "0:a:1?", "1:a:0"]),
        ({"source": "copy"}, ["0:v:2", "0:a:1"]),
        ({"source": "silence"}, ["0:v:2", "1:a:0"]),
        ({"source": "none"}, ["0:v:2"]),
    ],
)
def test_the_owners_choice_of_tracks_keeps_the_silence_behind_it(audio: dict[str, object], maps: list[str]) -> None:
    argv = encoder({"map": {"video": 2, "audio": 1}}, audio=audio)
    assert values(argv, "-map") == maps


def test_of_a_chosen_picture_it_is_known_as_well_that_it_came_late() -> None:
    argv = encoder({"map": {"video": 2}})
    assert lacks_picture(argv, ["[fatal] Stream map '0:v:2' matches no streams."])
    assert not lacks_picture(argv, ["[fatal] Stream map '0:a:2' matches no streams."])
