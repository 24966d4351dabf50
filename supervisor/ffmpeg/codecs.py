"""How FFmpeg is told to encode: codecs, rate control, keyframes, filters, which tracks are mapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from supervisor.config.tracks import TrackMap
from supervisor.ffmpeg import content
from supervisor.ffmpeg.opening import INFO, PICTURE_MARK
from supervisor.ffmpeg.overlay import overlay_filters

if TYPE_CHECKING:
    from supervisor.config.shape import Audio, Video
    from supervisor.model.content import ContentPolicy

COPY = "copy"

# x264 also takes their numbers, and does not care for capitals.
X264_PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"),
)

# The silent track's encoder, whatever the source's audio does.
_SILENCE_CODEC = "aac"
# Silence may run ahead of the clock by a minute and not by more: when the source ends, FFmpeg 6 and newer go on with it
# alone, and unbounded they make minutes of it each second, by which the timestamps at the platform jump. The minute is
# for sources that begin with a burst (HLS, an RTMP server's cache): silence that came late would be out of order. A
# source may catch up what it was late, and a camera's clock may be a little fast: so it never holds up the picture. The
# first frame goes through the filter as if it were a minute late, and is put back behind it.
_SILENCE_AHEAD = 60
_SILENCE = (
    "anullsrc=channel_layout=stereo:sample_rate=48000,"
    f"asetpts='PTS+if(eq(N,0),{_SILENCE_AHEAD}/TB,0)',arealtime=speed=1.0001:limit=3600,asetpts=N/SR/TB"
)
_SILENCE_INPUT = ("-f", "lavfi", "-i", _SILENCE)

# Frame rates that television counts in 1001ths: FFmpeg takes 29.97 for 2997/100, which drifts.
_NTSC_BASES = (24, 30, 48, 60, 120)
_NTSC_TOLERANCE = 0.005

# Without a known frame rate the time-based forced keyframes rule; this is the net below them, for 60 fps.
_FALLBACK_FPS = 60

# What a source's few frames are repeated to: x264 looks ahead by frames, and so would by many seconds.
_STEADY_FPS = 25.0

# The source's sound, if it brings any, and a silence of ours after it.
_OWN_AND_SILENCE = 2

# Prints the mark once the first frame is decoded, and adds nothing.
_MARK = f"0*print({PICTURE_MARK},{INFO})"

# A frame that is due in floating point's last digit must count as due, or it is forced one frame late.
_KEYFRAME_SLACK = 0.001


@dataclass(frozen=True, slots=True)
class VideoCodec:
    """What one encoder wants beyond the common options."""

    pixel_format: str
    device: tuple[str, ...] = ()  # global options, before the inputs
    upload: str = ""  # filter that takes the frames to the hardware
    options: tuple[str, ...] = ()
    takes_preset: bool = False
    preset: str | None = None  # where the owner names none


VIDEO_CODECS: dict[str, VideoCodec] = {
    # x264's own `medium` looks 40 frames ahead: over a second before the first one leaves, at every start.
    "libx264": VideoCodec("yuv420p", options=("-sc_threshold", "0"), takes_preset=True, preset="veryfast"),
    "h264_vaapi": VideoCodec(
        "nv12",
        device=("-init_hw_device", "vaapi=hw", "-filter_hw_device", "hw"),
        upload="hwupload",
        options=("-profile:v", "high", "-rc_mode", "CBR"),
    ),
    "h264_qsv": VideoCodec("nv12", options=("-forced_idr", "1"), takes_preset=True),
    "h264_nvenc": VideoCodec(
        "yuv420p",
        options=("-rc", "cbr", "-no-scenecut", "1", "-forced-idr", "1"),
        takes_preset=True,
    ),
    "h264_v4l2m2m": VideoCodec("yuv420p"),
    "h264_videotoolbox": VideoCodec("yuv420p", options=("-realtime", "1")),
}


def device_options(video: Video) -> list[str]:
    """Return the global options that open the encoder's hardware; empty for software and copy."""
    return [] if video.codec == COPY else list(VIDEO_CODECS[video.codec].device)


def video_options(video: Video, *, steady: bool = False, seen: ContentPolicy | None = None) -> list[str]:
    """Return the output options of the video track. Raises KeyError for a codec that is not in the table.

    `steady`: frames come seldom or unevenly, and are repeated; without it what has no rate told keeps its own.
    `seen`: what is looked at in the picture, as the source has it.
    """
    if video.codec == COPY:
        return ["-c:v", COPY]
    codec = VIDEO_CODECS[video.codec]
    argv = ["-c:v", video.codec]
    preset = video.preset or codec.preset
    if codec.takes_preset and preset is not None:
        argv += ["-preset", preset]
    argv += codec.options
    argv += ["-vf", ",".join([*content.of_picture(seen), _filters(video, codec)])]
    # tee would choose constant and mpegts variable frame rate by itself: say it, so that both are alike.
    fps = _STEADY_FPS if video.fps is None and steady else video.fps
    argv += ["-fps_mode", "vfr"] if fps is None else ["-fps_mode", "cfr", "-r", frame_rate(fps)]
    if video.bitrate is not None:
        rate = str(video.bitrate)
        argv += ["-b:v", rate, "-maxrate:v", rate, "-bufsize:v", str(2 * video.bitrate)]
    # No B-frames: decoding and presentation order stay one, also where a new encoder continues an old one.
    return [*argv, "-bf", "0", *_keyframes(video)]


def _filters(video: Video, codec: VideoCodec) -> str:
    filters = [video.filters] if video.filters else []
    if video.size is not None:
        width, height = video.size
        filters += [
            f"scale={width}:{height}:force_original_aspect_ratio=decrease",
            f"pad={width}:{height}:-1:-1",
            f"setsar='1+{_MARK}'",
        ]
    else:
        # What says nothing of its pixels has square ones: said from the first run on, or a later run of a fixed size,
        # which says it, would look like another picture.
        filters.append(f"setsar='if(sar,sar,1)+{_MARK}'")
    filters += overlay_filters(video.overlay)
    filters.append(f"format={codec.pixel_format}")
    if codec.upload:
        filters.append(codec.upload)
    return ",".join(filters)


def _keyframes(video: Video) -> list[str]:
    seconds = video.keyframe_interval
    frames = max(1, round(seconds * (video.fps or _FALLBACK_FPS)))
    due = max(0.0, seconds - _KEYFRAME_SLACK)
    # Relative to the last one, not `n_forced * seconds`: after a jump of the source's clock that would
    # force every frame until it has caught up.
    expression = f"expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+{due:g}))"
    return ["-g", str(frames), "-force_key_frames", expression]


def frame_rate(fps: float) -> str:
    """Write frames a second as FFmpeg's exact fraction: 30 → `30`, 29.97 → `30000/1001`."""
    for base in _NTSC_BASES:
        if abs(fps - base * 1000 / 1001) < _NTSC_TOLERANCE:
            return f"{base * 1000}/1001"
    return f"{fps:g}"


@dataclass(frozen=True, slots=True)
class Tracks:
    """Which tracks an encoder's output gets: a further input, the maps, the audio's own options."""

    input: tuple[str, ...]
    maps: tuple[str, ...]
    audio: tuple[str, ...]
    endless: bool  # a track of ours never ends by itself
    copied: bool = False  # the sound is as the source has it

    @property
    def sounds(self) -> tuple[str, ...]:
        """The maps of what is encoded, if the source's own sound is among them: that one is first."""
        sounds = tuple(word for word in self.maps if ":a" in word)
        return () if self.copied or (self.endless and len(sounds) < _OWN_AND_SILENCE) else sounds


def takes_sound(audio: Audio) -> bool:
    """Whether the source's sound is used if there is any, and silence if not."""
    return audio.source == "auto" and audio.codec != COPY


def encoded_sound(audio: Audio) -> list[str]:
    """Return the options that encode a track of sound; where it would be copied, those of the silence beside it."""
    codec = _SILENCE_CODEC if audio.codec == COPY else audio.codec
    return ["-c:a", codec, "-b:a", str(audio.bitrate), "-ar", "48000", "-ac", "2"]


def tracks(audio: Audio, chosen: TrackMap | None = None, *, silent: bool = False) -> Tracks:
    """Choose the tracks: source 0 gives the video; silence, where it is needed, is input 1.

    `chosen` are those of the source, by default the first of each kind.

    `auto` maps the source's audio if it has any and silence after it, and the pusher takes the first audio
    track: so nobody needs to probe the source. Copied audio has no silence to fall back on, for nobody can
    know beforehand which of the two would be the first track; without audio in the source it is an error.
    `silent`: the source declares sound and sends none, and nothing would go out for as long as it is waited for.
    """
    wanted = chosen or TrackMap()
    video, sound = ("-map", f"0:v:{wanted.video}"), f"0:a:{wanted.audio}"
    encode = tuple(encoded_sound(audio))
    if audio.source == "none":
        return Tracks((), video, ("-an",), endless=False)
    if audio.source == "silence" or (silent and takes_sound(audio)):
        return Tracks(_SILENCE_INPUT, (*video, "-map", "1:a:0"), encode, endless=True)
    if COPY in (audio.source, audio.codec):
        return Tracks((), (*video, "-map", sound), ("-c:a", COPY), endless=False, copied=True)
    return Tracks(_SILENCE_INPUT, (*video, "-map", f"{sound}?", "-map", "1:a:0"), encode, endless=True)
