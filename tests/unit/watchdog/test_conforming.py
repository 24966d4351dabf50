"""Conformance in the second layer: what was seen, told after minutes; and never a recovery for it."""

from __future__ import annotations

from dataclasses import replace

from supervisor.config.shape import Audio, Video
from supervisor.ffmpeg.parameters import Parameters
from supervisor.ffmpeg.renditions import Rendition
from supervisor.model.profiles import PLATFORMS, Profile
from supervisor.model.snapshot import Conformance
from supervisor.model.terms import Check, Report, Verdict
from tests.unit.transport_stream import PICTURE_SET, sequence
from tests.unit.watchdog.fakes import in_quick_time
from tests.unit.watchdog.test_second_layer import Scene

PICTURE = Parameters(frozenset({sequence(1920, 1080, (30, 1)), PICTURE_SET}))
ENOUGH = 625_000.0  # bytes a second


class Conforming(Scene):
    """A second layer over one stream with a profile; 30 frames a second at 5 Mbit/s, as YouTube wants it."""

    def __init__(self, profile: Profile | None = PLATFORMS["youtube"]) -> None:
        super().__init__()
        self.rate = 30.0
        self.expect(profile)
        self.pusher.spec = replace(self.pusher.spec, sound=True)
        for process in self.stream.processes:
            process.bytes_per_second = ENOUGH
        assert self.encoder.feeds
        self.feeds = self.encoder.feeds
        self.keyframes, self.feeds.current = self.feeds.keyframes, PICTURE
        self.keyframes.longest = 2.0

    def expect(self, profile: Profile | None) -> None:
        (known,) = self.stream.spec.destinations
        self.stream.spec = replace(self.stream.spec, destinations=(replace(known, profile=profile),))

    async def minutes(self, count: float) -> None:
        for _ in range(round(count * 2)):
            await self.passes(30.0, *self.stream.processes)
            for process in self.stream.processes:  # frames, which the others here need not
                media = process.meter.run_media
                report = Report(round(media * self.rate), media, None, 0, 0, ended=False)
                process.meter.update(report, self.clock.now(), self.clock.wall())
            await self.check(after=0)

    @property
    def found(self) -> Conformance:
        assert self.view.conformance
        return self.view.conformance

    def is_harmless(self) -> bool:
        healthy = self.view.verdict is Verdict.HEALTHY and not self.view.consecutive_failures
        return healthy and not self.attempts and not self.unhealthy and not self.book.incidents("cam", self.clock.now())


@in_quick_time
async def test_what_is_as_expected() -> None:
    scene = Conforming()
    await scene.minutes(10)
    assert scene.found == Conformance("youtube", True, (), 2.0, 30.0, 5e6, 1.0, 0, 48_000)
    assert scene.view.verdicts[Check.CONFORMANCE] is Verdict.HEALTHY
    assert scene.is_harmless()


@in_quick_time
async def test_what_is_not_is_told_after_three_minutes_and_nothing_is_done_about_it() -> None:
    scene = Conforming()
    await scene.minutes(2)
    scene.keyframes.longest = 8.0
    await scene.minutes(3)
    assert (scene.found.conforms, scene.found.keyframe_interval) == (True, 8.0)
    await scene.minutes(0.5)
    assert scene.found.conforms is False
    assert scene.found.findings == ("keyframe interval 8 s: youtube expects at most 4 s",)
    assert scene.view.verdicts[Check.CONFORMANCE] is Verdict.DEGRADED
    await scene.minutes(120)
    assert scene.is_harmless()
    scene.keyframes.longest = 2.0
    await scene.minutes(0.5)
    view = scene.view
    assert view.conformance
    assert view.conformance.findings == ()
    assert view.verdicts[Check.CONFORMANCE] is Verdict.HEALTHY


@in_quick_time
async def test_a_rendition_is_judged_by_what_it_is_made_like_and_not_by_the_encoders_picture() -> None:
    scene = Conforming()
    made = Video.model_validate({"size": "640x360", "keyframe_interval": "8s"})
    scene.pusher.spec = replace(scene.pusher.spec, made_anew=Rendition(made, Audio()))
    scene.encoder.spec = replace(scene.encoder.spec, copies_sound=True)
    scene.pusher.bytes_per_second = 2 * ENOUGH
    await scene.minutes(10)
    assert scene.found.findings == (
        "keyframe interval 8 s: youtube expects at most 4 s",
        "bit rate 10 Mbit/s: youtube expects at most 8 Mbit/s for 640x360",
    )
    assert scene.found.sample_rate == 48_000


@in_quick_time
async def test_sound_and_picture_far_apart_are_still_an_incident() -> None:
    scene = Conforming()
    scene.keyframes.longest = 8.0
    assert scene.pusher.intake
    scene.pusher.intake.ahead = 3.0
    await scene.minutes(10)
    assert scene.attempts


@in_quick_time
async def test_each_kind_of_evidence_reaches_its_finding() -> None:
    scene = Conforming(PLATFORMS["twitch"])
    scene.rate = 90.0
    scene.keyframes.delay = 0.1
    scene.encoder.spec = replace(scene.encoder.spec, copies_sound=True)
    scene.feeds.current = PICTURE.updated(Parameters(audio=b"aac\x40\x80"))
    for process in scene.stream.processes:
        process.bytes_per_second = 2 * ENOUGH
    await scene.minutes(10)
    assert scene.found.findings == (
        "frame rate 90 fps: twitch expects at most 60 fps",
        "B-frames: 9 or more in a row: twitch expects at most 2",
        "bit rate 10 Mbit/s: twitch expects at most 6 Mbit/s",
        "sample rate 96000 Hz: twitch expects 44100 or 48000 Hz",
    )
    assert scene.is_harmless()


@in_quick_time
async def test_no_sound_at_all() -> None:
    for configured in (True, False):
        scene = Conforming()
        scene.pusher.spec = replace(scene.pusher.spec, sound=configured)
        assert scene.pusher.intake
        scene.pusher.intake.sound = False
        await scene.minutes(5)
        assert scene.found.findings == ("sound: none: youtube expects some, be it silence",)


@in_quick_time
async def test_faster_than_the_clock() -> None:
    scene = Conforming()
    scene.pusher.speed = 1.2
    await scene.minutes(6)
    assert scene.found.findings[0].startswith("time stamps go on 1.20 times as fast as the clock")
    scene.encoder.speed = 1.2
    await scene.minutes(12)
    assert scene.found.findings[0].startswith("encoder runs at 1.20 times real time")


@in_quick_time
async def test_what_nobody_expects_or_sends_is_not_looked_at() -> None:
    scene = Conforming(None)
    scene.keyframes.longest = 8.0
    await scene.minutes(10)
    assert scene.view.conformance is None
    assert scene.view.verdicts[Check.CONFORMANCE] is Verdict.HEALTHY, "sound beside the picture, as ever"
    scene.expect(PLATFORMS["youtube"])
    await scene.minutes(5)
    assert scene.found.conforms is False
    await scene.check(after=60)  # nothing flows
    assert scene.view.conformance is None
    scene.expect(None)
    await scene.minutes(5)
    assert scene.view.conformance is None


@in_quick_time
async def test_a_new_run_is_judged_anew() -> None:
    scene = Conforming()
    scene.keyframes.longest = 8.0
    await scene.minutes(5)
    assert scene.found.conforms is False
    await scene.check(after=10)  # dark
    await scene.minutes(2)
    assert scene.found.conforms is True


@in_quick_time
async def test_keyframes_that_do_not_come_any_more() -> None:
    scene = Conforming()
    await scene.minutes(5)
    scene.keyframes.coming = False
    await scene.minutes(2)
    assert scene.found.keyframe_interval == 120.0
    await scene.minutes(2)
    assert scene.found.findings == ("keyframe interval 240 s: youtube expects at most 4 s",)


@in_quick_time
async def test_an_encoder_of_which_no_keyframe_was_seen() -> None:
    scene = Conforming()
    scene.keyframes.longest, scene.keyframes.coming = None, False
    await scene.minutes(10)
    assert (scene.found.conforms, scene.found.keyframe_interval, scene.found.b_frames) == (True, None, None)
