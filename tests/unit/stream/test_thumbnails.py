"""Who asks for a picture gets one, shares one, or is told why there is none. Time is a number."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from supervisor.config.shape import Config
from supervisor.config.thumbnails import Thumbnails as Policy
from supervisor.model import events
from supervisor.model.incidents import Finding
from supervisor.model.terms import ExitCause, Layer, ProcessKey, Role, Segment, Trouble
from supervisor.model.thumbnails import NoPicture, Picture, ThumbnailResult
from supervisor.stream.thumbnails import FRESH_SECONDS, MOST_AT_ONCE, SEEN_SECONDS, Thumbnails
from tests.unit.exporter.scenes import incident
from tests.unit.watchdog.fakes import as_fact, in_quick_time, others

WALL = 1_700_000_000.0
FINDING = Finding(WALL, ExitCause.KILLED, Segment.PUSHER, None, None, Layer.PROCESS)


class Stage:
    """A machine, and streams of which each has an encoder, a command or nothing."""

    def __init__(self, *names: str) -> None:
        self.streams: dict[str, Any] = {name: fed_by(Encoder(name)) for name in names}
        self.media: bytes | None = b"keyframe"
        self.takes = 1.0  # seconds, until it comes
        self.jpeg = b"picture"
        self.collected: list[Any] = []
        self.drawn: list[tuple[str, int]] = []
        self.policy = Policy()
        self.kept = Kept()
        self.told: list[OSError | None] = []
        self.thumbnails = Thumbnails(
            self,  # type: ignore[arg-type]
            "ffmpeg",
            self.streams,  # type: ignore[arg-type]
            self.kept,  # type: ignore[arg-type]
            lambda _: self.policy,
            lambda: 400,
            lambda _, error: self.told.append(error),
        )

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return WALL

    async def in_a_thread(self, work: Callable[[], Any]) -> Any:
        await asyncio.sleep(0.01)
        return work()

    async def collect_keyframe(self, tap: Any, seconds: float) -> bytes:
        self.collected.append(tap)
        await asyncio.sleep(seconds if self.media is None else self.takes)
        return self.media or b""

    async def draw(self, argv: list[str], media: bytes, most: int) -> bytes:
        assert media == self.media
        self.drawn.append((argv[argv.index("-vf") + 1], most))
        await asyncio.sleep(0.1)
        return self.jpeg

    async def why_not(self, stream: str = "cam") -> NoPicture:
        with pytest.raises(NoPicture) as refused:
            await self.thumbnails.small(stream)
        return refused.value

    def opens(self, identity: str = "cam-1") -> None:
        opened = incident(0, "cam", destination="yt", opened=WALL, cause=ExitCause.KILLED, segment=Segment.PUSHER)
        self.thumbnails.hear(as_fact(events.IncidentOpened(opened._replace(id=identity), FINDING)))


def fed_by(encoder: Encoder | None, own: Encoder | None = None) -> Any:
    return SimpleNamespace(wanted=True, feeding=encoder, encoder=own or encoder, showing=lambda _: own or encoder)


class Encoder:
    def __init__(self, name: str = "cam", rung: int = 0) -> None:
        self.key = ProcessKey(name, Role.ENCODER, rung=rung)
        self.feeds = SimpleNamespace(tap=object())
        self.alive = True
        self.sends = True
        self.run = object()

    def advancing(self, _now: float) -> bool:
        return self.sends


class Kept(dict[str, bytes]):
    """The disk."""

    path = Path("/data/thumbnails")
    full = False

    def keep(self, identity: str, jpeg: bytes, _wall: float) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self[identity] = jpeg

    def move(self, identity: str, other: str) -> None:
        self[other] = self.pop(identity)

    def tidy(self, *_: float) -> None:
        pass


# --- for who asks ----------------------------------------------------------------------------------


@in_quick_time
async def test_all_who_ask_at_the_same_time_share_one() -> None:
    stage = Stage("cam")
    found = await asyncio.gather(*(stage.thumbnails.small("cam") for _ in range(20)))
    assert {picture.jpeg for picture in found} == {b"picture"}
    assert len(stage.collected) == len(stage.drawn) == 1
    assert stage.thumbnails.counts[ThumbnailResult.MADE] == 1


@in_quick_time
async def test_for_ten_seconds_it_is_shown_again() -> None:
    stage = Stage("cam")
    first = await stage.thumbnails.small("cam")
    await asyncio.sleep(first.taken + FRESH_SECONDS - 0.01 - stage.now())
    assert await stage.thumbnails.small("cam") is first
    assert stage.thumbnails.counts[ThumbnailResult.CACHED] == 1
    await asyncio.sleep(0.02)
    assert await stage.thumbnails.small("cam") is not first
    assert len(stage.drawn) == 2


@in_quick_time
async def test_who_goes_away_takes_it_from_nobody_else() -> None:
    stage = Stage("cam")
    impatient = asyncio.create_task(stage.thumbnails.small("cam"))
    patient = asyncio.create_task(stage.thumbnails.small("cam"))
    await asyncio.sleep(0.5)
    impatient.cancel()
    assert (await patient).jpeg == b"picture"


@in_quick_time
async def test_so_many_streams_at_once_and_no_more() -> None:
    names = [f"cam-{number}" for number in range(MOST_AT_ONCE + 1)]
    stage = Stage(*names)
    asked = [asyncio.create_task(stage.thumbnails.small(name)) for name in names[:-1]]
    await others()
    refused = await stage.why_not(names[-1])
    assert not refused.lasting
    assert stage.thumbnails.counts[ThumbnailResult.BUSY] == 1
    await asyncio.gather(*asked)
    assert (await stage.thumbnails.small(names[-1])).jpeg == b"picture"


@in_quick_time
async def test_without_a_picture_the_reason_is_told() -> None:
    stage = Stage("cam")
    stage.policy = Policy(enabled=False)
    assert "switched off" in str(await stage.why_not())
    stage.policy = Policy()
    assert str(await stage.why_not("gone")) == "no picture: the stream is stopped"
    stage.streams["cam"].wanted = False
    assert (await stage.why_not()).lasting
    stage.streams["cam"] = fed_by(None)
    assert "command" in str(await stage.why_not())
    stage.streams["cam"] = fed_by(Encoder())
    stage.streams["cam"].encoder.alive = False
    assert not (await stage.why_not()).lasting
    assert stage.collected == [], "none of these takes anything"


@in_quick_time
async def test_nothing_comes_or_nothing_can_be_made_of_it_and_later_it_is_tried_again() -> None:
    stage = Stage("cam")
    stage.media = None
    assert str(await stage.why_not()) == "no picture: no keyframe has come from the encoder within 15 s"
    stage.media, stage.jpeg = b"noise", b""
    refused = await stage.why_not()
    assert (str(refused), refused.lasting) == ("no picture: what the encoder sends cannot be decoded", False)
    stage.jpeg = b"picture"
    assert (await stage.thumbnails.small("cam")).jpeg == b"picture"
    counts = stage.thumbnails.counts
    assert [counts[each] for each in ThumbnailResult] == [1, 0, 1, 1, 0]


@in_quick_time
async def test_a_picture_of_full_size_is_made_of_the_same_keyframe() -> None:
    stage = Stage("cam")
    small, full = await asyncio.gather(stage.thumbnails.small("cam"), stage.thumbnails.full_size("cam"))
    assert small.jpeg == full.jpeg == b"picture"
    assert len(stage.collected) == 1
    (_, small_most), (scale, full_most) = sorted(stage.drawn, key=lambda one: one[1])
    assert small_most < full_most
    assert "320" not in scale
    await stage.thumbnails.full_size("cam")
    assert len(stage.collected) == 2, "the next one is a new one"


@in_quick_time
async def test_a_small_picture_shows_what_viewers_see_and_a_large_one_the_streams_own_source() -> None:
    stage = Stage()
    own, fallback = Encoder("cam"), Encoder("cam", 1)
    stage.streams["cam"] = fed_by(fallback, own)
    await asyncio.gather(stage.thumbnails.small("cam"), stage.thumbnails.full_size("cam"))
    assert set(stage.collected) == {own.feeds.tap, fallback.feeds.tap}
    own.alive = False
    with pytest.raises(NoPicture):
        await stage.thumbnails.full_size("cam")


def test_what_a_picture_shows_is_in_no_representation() -> None:
    assert "secret" not in repr(Picture(b"secret", 0.0))


# --- at incidents ----------------------------------------------------------------------------------


@in_quick_time
async def test_an_incident_of_a_stream_that_sends_gets_a_picture() -> None:
    stage = Stage("cam")
    stage.opens()
    await asyncio.sleep(5)
    assert stage.kept == {"cam-1": b"picture"}
    assert stage.told == []


@in_quick_time
async def test_of_an_encoder_that_sends_nothing_the_last_one_that_somebody_saw() -> None:
    stage = Stage("cam")
    before = await stage.thumbnails.small("cam")
    stage.streams["cam"].encoder.sends = False
    stage.jpeg = b"afterwards"
    await asyncio.sleep(before.taken + SEEN_SECONDS - 1 - stage.now())
    stage.opens("cam-1")
    await asyncio.sleep(2)
    stage.opens("cam-2")
    await asyncio.sleep(30)
    assert stage.kept == {"cam-1": b"picture"}, "what is older tells nothing"
    assert len(stage.collected) == 1


@in_quick_time
async def test_what_another_run_sends_is_not_what_was_seen() -> None:
    stage = Stage("cam")
    stage.opens()
    await asyncio.sleep(0.5)
    stage.streams["cam"].encoder.run = object()
    await asyncio.sleep(5)
    assert stage.kept == {}


@in_quick_time
async def test_whoever_does_not_want_that_has_none() -> None:
    stage = Stage("cam")
    for policy in (Policy(at_incidents=False), Policy(enabled=False)):
        stage.policy = policy
        stage.opens()
    await asyncio.sleep(5)
    assert (stage.kept, stage.collected) == ({}, [])


@in_quick_time
async def test_a_thousand_incidents_at_once_are_no_storm() -> None:
    stage = Stage("cam")
    for number in range(1000):
        stage.opens(f"cam-{number}")
    await asyncio.sleep(60)
    assert len(stage.kept) == MOST_AT_ONCE


@in_quick_time
async def test_a_full_disk_is_told_of_once_and_when_it_is_over() -> None:
    stage = Stage("cam")
    stage.kept.full = True
    for number in range(3):
        stage.opens(f"cam-{number}")
        await asyncio.sleep(5)
    stage.kept.full = False
    for number in range(3, 6):
        stage.opens(f"cam-{number}")
        await asyncio.sleep(5)
    first, second = stage.told
    assert isinstance(first, OSError)
    assert second is None
    assert list(stage.kept) == ["cam-3", "cam-4", "cam-5"]


@in_quick_time
async def test_an_incident_that_becomes_a_part_of_another_gives_it_its_picture() -> None:
    stage = Stage("cam")
    stage.opens("cam-1")
    await asyncio.sleep(5)
    whole = incident(0, "cam", opened=WALL, cause=ExitCause.KILLED, segment=Segment.ENCODER)._replace(id="cam-2")
    part = whole._replace(id="cam-1")
    stage.thumbnails.hear(as_fact(events.FindingEntered(whole, FINDING, part)))
    await asyncio.sleep(1)
    assert list(stage.kept) == ["cam-2"]


BLACK = Finding(WALL, Trouble.BLACK, Segment.SOURCE, None, None, Layer.WATCHDOG)


def goes_black(stage: Stage, name: str = "cam", identity: str = "cam-1", *, joins: bool = False) -> None:
    opened = incident(0, name, opened=WALL, cause=Trouble.BLACK, segment=Segment.SOURCE)._replace(id=identity)
    what = events.FindingEntered(opened, BLACK) if joins else events.IncidentOpened(opened, BLACK)
    stage.thumbnails.hear(as_fact(what))


@in_quick_time
async def test_what_was_black_is_shown_and_not_the_fallback_that_has_taken_over_nor_what_was_seen_before() -> None:
    stage = Stage("cam")
    own, slate = stage.streams["cam"].encoder, Encoder("cam", 1)
    await stage.thumbnails.small("cam")
    stage.streams["cam"].feeding = slate
    goes_black(stage)
    await asyncio.sleep(5)
    assert stage.collected == [own.feeds.tap] * 2
    assert stage.kept == {"cam-1": b"picture"}


@in_quick_time
async def test_black_that_is_found_later_in_an_incident_is_its_picture() -> None:
    stage = Stage("cam")
    stage.opens()
    await asyncio.sleep(5)
    stage.jpeg = b"black"
    goes_black(stage, joins=True)
    await asyncio.sleep(5)
    assert stage.kept == {"cam-1": b"black"}


@in_quick_time
async def test_a_night_that_turns_all_cameras_black_gives_all_a_picture_and_leaves_a_place_for_who_asks() -> None:
    names = [f"cam-{number}" for number in range(100)]
    stage = Stage(*names, "asked")
    for name in names:
        goes_black(stage, name, f"{name}-1")
    await others()
    assert (await stage.thumbnails.small("asked")).jpeg == b"picture"
    await asyncio.sleep(60)
    assert len(stage.kept) == len(names)


@in_quick_time
async def test_of_a_run_that_has_ended_no_black_picture_is_kept() -> None:
    stage = Stage("cam")
    goes_black(stage)
    await asyncio.sleep(0.5)
    stage.streams["cam"].encoder.run = object()
    await asyncio.sleep(5)
    assert stage.kept == {}


# --- the configuration -----------------------------------------------------------------------------


def test_a_stream_says_what_is_different_and_the_rest_is_as_for_all() -> None:
    def configured(top: dict[str, bool], own: dict[str, bool]) -> Policy:
        stream = {"command": ["sleep", "1"], "thumbnails": own}
        return Config.model_validate({"thumbnails": top, "streams": {"cam": stream}}).thumbnails_of("cam")

    assert configured({}, {}) == Policy(enabled=True, at_incidents=True)
    assert configured({"at_incidents": False}, {}) == Policy(enabled=True, at_incidents=False)
    assert configured({"enabled": False, "at_incidents": False}, {"enabled": True}) == Policy(
        enabled=True, at_incidents=False
    )
