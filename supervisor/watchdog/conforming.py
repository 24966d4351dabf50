"""Whether what a destination is sent is as its profile wants it: gathers what was seen. Acts on nothing."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.ffmpeg.parameters import Parameters, picture, video_codec
from supervisor.ffmpeg.renditions import Rendition
from supervisor.ffmpeg.sound_format import OURS, SoundFormat, sound_format
from supervisor.judge.conformance import Lasting, Sent, mismatches
from supervisor.judge.sent_meter import Counts, SentMeter
from supervisor.model.profiles import Profile
from supervisor.model.snapshot import Conformance
from supervisor.model.terms import Role
from supervisor.watchdog.interfaces import JudgedProcess, Keyframes

_LOOKS = 6  # so many intervals of the watchdog must a finding last: three minutes, if nothing else is configured


class Conforming:
    """Lives with the history of one destination that has a profile."""

    def __init__(self) -> None:
        self._meter = SentMeter()
        self._made = SentMeter()  # by the encoder
        self._lasting = Lasting()
        self._keyframes = 0, 0.0  # how many there were, and when that was first seen

    def look(
        self, profile: Profile, destination: str, way: Sequence[JudgedProcess], interval: float, now: float
    ) -> Conformance | None:
        """Compare what is sent by now; None while nothing is sent, or nothing tells how much."""
        sender = way[-1]
        if not sender.spec.tracked or not sender.advancing(now):
            self._lasting.forget()
            return None
        sent = self._sent(destination, way, interval, now)
        lasting = self._lasting.of(mismatches(sent, profile), now, _LOOKS * interval)
        seen_enough = sent.bit_rate is not None
        return Conformance(
            profile.name,
            not lasting if seen_enough or lasting else None,
            tuple(one.words(profile.name) for one in lasting),
            _rounded(sent.keyframe_interval),
            _rounded(sent.frame_rate),
            _rounded(sent.bit_rate),
            _rounded(sent.peak),
            sent.reordered,
            sent.sample_rate,
        )

    def _sent(self, destination: str, way: Sequence[JudgedProcess], interval: float, now: float) -> Sent:
        reader, sender = way[0], way[-1]
        self._meter.take(sender.run_id, _counts(sender, destination), interval)
        pace = self._meter.pace(sender.usual_silence(now))
        if reader is not sender:
            self._made.take(reader.run_id, _counts(reader, destination), interval)
        sent = Sent(
            frame_rate=pace.frame_rate,
            bit_rate=pace.bit_rate,
            peak=pace.peak,
            pace=pace.pace,
            jumps=pace.jumps,
            encoder_speed=self._made.pace().pace,
        )
        if (anew := sender.spec.made_anew) and anew.video:
            sent = _of_rendition(sent, anew, reader)
        elif reader.feeds:
            sent = _of_tracks(sent, reader.feeds.current or Parameters())
            sent = self._with_keyframes(sent, reader.feeds.tap.keyframes, now)
        return _with_sound(sent, reader, sender, now) if sender.key.role is Role.PUSHER else sent

    def _with_keyframes(self, sent: Sent, keyframes: Keyframes, now: float) -> Sent:
        count = keyframes.count
        if count != self._keyframes[0]:
            self._keyframes = count, now
        if not count:
            return sent
        # While none comes, the next one is at least as far from the latest as the look that saw that one.
        interval = max(keyframes.longest or 0.0, now - self._keyframes[1]) or None
        delayed = max(1, round(keyframes.delay * sent.frame_rate)) if sent.frame_rate else 1
        return sent._replace(keyframe_interval=interval, reordered=delayed if keyframes.delay else 0)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _counts(sender: JudgedProcess, destination: str) -> Counts:
    """As of the latest report. What a command has sent to one of several, only its connection tells."""
    meter = sender.meter
    frames, _, _, size, media = meter.sums
    uplink = sender.uplink_to(destination) if sender.key.role is Role.COMMAND else None
    return Counts(meter.last_advance or 0.0, uplink.totals.acked_bytes if uplink else size, frames, media)


def _of_tracks(sent: Sent, parameters: Parameters) -> Sent:
    shown = picture(parameters)
    if shown:
        sent = sent._replace(width=shown.width, height=shown.height)
    return sent._replace(video_codec=video_codec(parameters))


def _of_rendition(sent: Sent, rendition: Rendition, reader: JudgedProcess) -> Sent:
    """Its keyframes come by the clock, and all of it is ours: nothing has to be looked for in it."""
    video = rendition.video
    assert video is not None  # asked before
    sent = sent._replace(keyframe_interval=video.keyframe_interval, reordered=0, video_codec="h264")
    if video.size:
        return sent._replace(width=video.size[0], height=video.size[1])
    shown = picture(reader.feeds.current or Parameters()) if reader.feeds else None
    return sent._replace(width=shown.width, height=shown.height) if shown else sent


def _with_sound(sent: Sent, reader: JudgedProcess, sender: JudgedProcess, now: float) -> Sent:
    if not sender.spec.sound or sender.intake is None:
        return sent._replace(sound=False)
    current = reader.feeds.current if reader.feeds else None
    known: SoundFormat | None = OURS
    if reader.spec.copies_sound and not (sender.spec.made_anew and sender.spec.made_anew.audio):
        known = sound_format(current) if current else None
    sent = sent._replace(sound=sender.intake.sounds(now), av_offset=sender.intake.offset(now))
    return (
        sent
        if known is None
        else sent._replace(audio_codec=known.codec, sample_rate=known.sample_rate, channels=known.channels)
    )
