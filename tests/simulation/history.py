"""From a seed to a list of faults, in the shapes that real trouble has.

Trouble seldom comes alone and never evenly: an hour of bursts, a camera that goes up and down, one line or one power
strip that takes many streams at once, a second fault while the first is being mended, somebody who restarts in the
middle of it, and hours in which nothing happens. Each shape is a function; `SHAPES` says how often it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from random import Random

from tests.simulation.fault import DATABASE, LIVES, Fault, Kind
from tests.simulation.ladders import Ladder

QUIET_AT_FIRST = 120.0  # seconds until all is up and judged
QUIET_AT_LAST = 600.0  # so that what failed last is seen to be on air again

Site = Mapping[str, Sequence[str]]  # the streams, and to which destinations each goes
Shape = Callable[["Draw"], list[Fault]]  # times count from its own beginning

_PROCESS: tuple[Kind, ...] = (
    "encoder_killed",
    "pusher_killed",
    "encoder_hangs",
    "encoder_mute",
    "encoder_stopped",
    "pusher_hangs",
    "encoder_error",
)
_SOURCE: tuple[Kind, ...] = ("source_gone", "source_ended", "source_refused", "source_silent")
_INGEST: tuple[Kind, ...] = (
    "ingest_down",
    "ingest_refuses",
    "ingest_drops",
    "ingest_freezes",
    "ingest_slow",
    "ingest_ghost",
)
_CAMERA: tuple[Kind, ...] = (*_SOURCE, "picture_black", "picture_frozen")
_RUNG: tuple[Kind, ...] = ("rung_gone", "rung_ended", "rung_refused", "rung_silent")
_OF_A_DESTINATION = frozenset({"pusher_killed", "pusher_hangs", "drill_uplink", *_INGEST})
# A process that hangs does so until it is replaced.
_AT_ONCE = frozenset(
    {
        *_PROCESS,
        *("ingest_drops", "memory_kill", "source_ended", "clock_step", "rung_ended", "rung_killed"),
        *("stop", "start", "restart", "reload_changed", "reload_bad", "reload_same"),
        *("stop_until", "start_until"),
        *("youtube_ended", "youtube_deleted", "youtube_quota"),
    }
)
_LASTS: Mapping[Kind, tuple[float, float]] = {
    "ingest_ghost": (5.0, 50.0),
    "ingest_slow": (150.0, 600.0),
    "late_loop": (0.5, 20.0),
    "youtube_foreign": (60.0, 3000.0),  # all broadcasts of a channel are looked at every 15 min
}
_OF_THE_MACHINE = frozenset(
    {
        *("line_down", "dns_down", "disk_full", "no_processes", "looks_fail"),
        *("late_loop", "clock_step", "reload_bad", "reload_same"),
        *LIVES,
        *DATABASE,
    }
)


class Draw:
    """What the shapes draw from: the chance of one seed, over the streams that there are."""

    def __init__(
        self,
        random: Random,
        site: Site,
        ladders: Mapping[str, Ladder] | None = None,
        channel: Collection[str] = (),
    ) -> None:
        self.random = random
        self.site = site
        self.ladders = ladders or {}
        self.channel = sorted(channel)  # the streams that go to YouTube

    def stream(self) -> str:
        """Any stream."""
        return self.random.choice(sorted(self.site))

    def streams(self, least: int, share: float) -> list[str]:
        """Several of them, at least `least` if there are so many, at most a share of all."""
        most = max(least, int(len(self.site) * share))
        return self.random.sample(sorted(self.site), min(len(self.site), self.random.randint(least, most)))

    def with_fallback(self) -> str:
        """Any stream that has some."""
        return self.random.choice(sorted(self.ladders))

    def rung(self, stream: str, *kinds: Kind, at: float = 0.0, lasts: float | None = None) -> list[Fault]:
        """One of these to one of its fallbacks that reads something; none where it has only a slate."""
        if not (cameras := self.ladders[stream].cameras):
            return []
        fault = self.fault(at, self.random.choice(kinds), stream, lasts=lasts)
        return [fault._replace(destination=self.random.choice(cameras))]

    def between(self, low: float, high: float) -> float:
        """Seconds, to the millisecond; a short time is as likely as a long one, on a scale of factors."""
        return round(low * math.pow(high / low, self.random.random()), 3)

    def fault(self, at: float, kind: Kind, stream: str = "", *, lasts: float | None = None) -> Fault:
        """A fault of that kind, with whatever it needs."""
        destination = self.random.choice(self.site[stream]) if stream and kind in _OF_A_DESTINATION else ""
        if lasts is None:
            lasts = 0.0 if kind in _AT_ONCE else self._lasts(kind)
        return Fault(round(at, 3), kind, stream, destination, lasts, self._detail(kind))

    def _lasts(self, kind: Kind) -> float:
        return 120.0 if kind.startswith("drill_") else self.between(*_LASTS.get(kind, (20.0, 240.0)))

    def _detail(self, kind: Kind) -> float:
        if kind in {"stop_until", "start_until"}:
            return self.between(10.0, 3600.0)
        if kind != "clock_step":
            return 0.0
        return self.random.choice((-3600.0, -60.0, -5.0, 5.0, 60.0, 3600.0))


# --- the shapes ------------------------------------------------------------------------------------


def single(draw: Draw) -> list[Fault]:
    """One thing breaks."""
    return [draw.fault(0.0, draw.random.choice((*_PROCESS, *_SOURCE, *_INGEST)), draw.stream())]


def silence(draw: Draw) -> list[Fault]:
    """A process that is there and does nothing."""
    kind: Kind = draw.random.choice(("encoder_hangs", "encoder_mute", "encoder_stopped", "pusher_hangs"))
    return [draw.fault(0.0, kind, draw.stream())]


def burst(draw: Draw) -> list[Fault]:
    """One stream, one thing after the other, for minutes."""
    stream, at, faults = draw.stream(), 0.0, []
    for _ in range(draw.random.randint(3, 7)):
        faults.append(draw.fault(at, draw.random.choice(("encoder_killed", "pusher_killed", "encoder_error")), stream))
        at += draw.between(0.3, 30.0)
    return faults


def flapping(draw: Draw) -> list[Fault]:
    """A camera, or an ingest, that goes up and down."""
    kind: Kind = draw.random.choice(("source_gone", "source_gone", "source_refused", "ingest_down", "ingest_drops"))
    stream, at, faults = draw.stream(), 0.0, []
    for _ in range(draw.random.randint(3, 6)):
        faults.append(draw.fault(at, kind, stream, lasts=0.0 if kind in _AT_ONCE else draw.between(2.0, 40.0)))
        at += faults[-1].lasts + draw.between(3.0, 60.0)
    return _same_place(faults)


def power_strip(draw: Draw) -> list[Fault]:
    """Several cameras lose their power in the same moment."""
    lasts = draw.between(20.0, 300.0)
    return [draw.fault(draw.random.uniform(0.0, 0.3), "source_gone", one, lasts=lasts) for one in draw.streams(2, 0.4)]


def massacre(draw: Draw) -> list[Fault]:
    """Several processes end in the same moment: somebody's script, or the kernel in need of memory."""
    kind: Kind = draw.random.choice(("encoder_killed", "pusher_killed", "memory_kill"))
    return [draw.fault(draw.random.uniform(0.0, 0.2), kind, one) for one in draw.streams(2, 0.3)]


def one_ingest(draw: Draw) -> list[Fault]:
    """A platform's ingest fails all that send to it in the same moment."""
    kind: Kind = draw.random.choice(("ingest_down", "ingest_drops", "ingest_freezes", "ingest_refuses"))
    stream = draw.stream()
    place, lasts = draw.random.choice(draw.site[stream]), 0.0 if kind in _AT_ONCE else draw.between(20.0, 300.0)
    same = [one for one in sorted(draw.site) if place in draw.site[one]]
    return [Fault(0.0, kind, one, place, lasts) for one in same[:8]]


def one_line(draw: Draw) -> list[Fault]:
    """Our own line."""
    return [draw.fault(0.0, "line_down", lasts=draw.between(5.0, 600.0))]


def resolver(draw: Draw) -> list[Fault]:
    """Names have no address for a while, and something has to connect anew in it."""
    faults = [draw.fault(0.0, "dns_down", lasts=draw.between(30.0, 200.0))]
    if draw.random.random() < 0.7:
        faults.append(draw.fault(draw.between(2.0, 15.0), "pusher_killed", draw.stream()))
    return faults


def second_blow(draw: Draw) -> list[Fault]:
    """Something else breaks on the same path while the first is being mended."""
    first = single(draw)[0]
    after = draw.random.choice((first.lasts, first.lasts * draw.random.random()))
    kind = draw.random.choice((*_PROCESS, *_SOURCE, *_INGEST))
    return [first, draw.fault(after + draw.between(0.1, 12.0), kind, first.stream)]


def hand(draw: Draw) -> list[Fault]:
    """An operator in the middle of it."""
    first = single(draw)[0]
    at = draw.between(0.2, 40.0)
    verb: Kind = draw.random.choice(("restart", "restart", "stop", "reload_changed", "reload_same", "reload_bad"))
    faults = [first, draw.fault(at, verb, "" if verb in _OF_THE_MACHINE else first.stream)]
    if verb == "stop":
        faults.append(draw.fault(at + draw.between(3.0, 300.0), "start", first.stream))
    return faults


def planned(draw: Draw) -> list[Fault]:
    """Somebody works on it, and nothing is wrong."""
    stream, at = draw.stream(), 0.0
    verb: Kind = draw.random.choice(("restart", "stop", "reload_changed", "reload_same", "reload_bad"))
    faults = [draw.fault(at, verb, "" if verb in _OF_THE_MACHINE else stream)]
    if verb == "stop":
        faults.append(draw.fault(draw.between(1.0, 600.0), "start", stream))
    return faults


def drill(draw: Draw) -> list[Fault]:
    """A fault on purpose; at times a real one falls into it."""
    kind: Kind = draw.random.choice(("drill_uplink", "drill_source", "drill_encoder"))
    return [draw.fault(0.0, kind, draw.stream())]


def bad_clock(draw: Draw) -> list[Fault]:
    """Somebody sets the clock, at times while something else is wrong."""
    faults = [draw.fault(0.0, "clock_step")]
    return (
        faults if draw.random.random() < 0.5 else [*faults, *_shifted(single(draw), draw.random.uniform(-20.0, 40.0))]
    )


def busy_machine(draw: Draw) -> list[Fault]:
    """neverdark itself gets no time for seconds, at times with a fault in it."""
    faults = [draw.fault(0.0, "late_loop")]
    return faults if draw.random.random() < 0.6 else [*faults, *_shifted(single(draw), draw.between(0.1, 20.0))]


def full_disk(draw: Draw) -> list[Fault]:
    """Nothing can be written for a while, and processes are replaced in it."""
    full = draw.fault(0.0, "disk_full", lasts=draw.between(30.0, 900.0))
    return [full, draw.fault(full.lasts * draw.random.random(), "encoder_killed", draw.stream())]


def no_room(draw: Draw) -> list[Fault]:
    """The kernel starts no process for a while, and some end in it."""
    full, stream = draw.fault(0.0, "no_processes", lasts=draw.between(2.0, 300.0)), draw.stream()
    kinds: tuple[Kind, ...] = ("encoder_killed", "pusher_killed", "ingest_drops", "source_ended")
    return [full, draw.fault(full.lasts * draw.random.random(), draw.random.choice(kinds), stream)]


def blind(draw: Draw) -> list[Fault]:
    """The kernel answers no question for a while, at times with a fault in it."""
    faults = [draw.fault(0.0, "looks_fail", lasts=draw.between(5.0, 600.0))]
    return faults if draw.random.random() < 0.5 else [*faults, *_shifted(single(draw), draw.between(0.1, 60.0))]


def away(draw: Draw) -> list[Fault]:
    """neverdark itself ends, at times in the middle of something, and comes back."""
    kind: Kind = draw.random.choice(
        ("neverdark_killed", "neverdark_killed", "neverdark_left", "neverdark_upgraded", "neverdark_stopped")
    )
    gone = draw.fault(0.0, kind, lasts=draw.between(0.3, 120.0))
    if draw.random.random() < 0.5:
        return [gone]
    other = draw.random.choice((single, silence, second_blow, planned))(draw)
    return [gone, *_shifted(other, draw.random.uniform(-40.0, gone.lasts + 10.0))]


def crash(draw: Draw) -> list[Fault]:
    """neverdark is killed in the moment in which it replaces a process, or again and again."""
    if draw.random.random() < 0.6:
        doomed = draw.fault(0.0, "neverdark_killed_at_spawn", lasts=draw.between(0.3, 60.0))
        kinds: tuple[Kind, ...] = ("encoder_killed", "pusher_killed", "restart", "ingest_drops")
        return [doomed, draw.fault(draw.between(0.1, 2.0), draw.random.choice(kinds), draw.stream())]
    at, faults = 0.0, []
    for _ in range(draw.random.randint(2, 4)):
        faults.append(draw.fault(at, "neverdark_killed", lasts=draw.between(0.3, 5.0)))
        at += faults[-1].lasts + draw.between(1.0, 60.0)
    return faults


def database(draw: Draw) -> list[Fault]:
    """What remembers cannot, while things happen that are to be remembered."""
    kind: Kind = draw.random.choice(sorted(DATABASE))
    faults = [draw.fault(0.0, kind, lasts=draw.between(2.0, 1800.0))]
    for _ in range(draw.random.randint(1, 4)):
        faults += _shifted(single(draw), faults[0].lasts * draw.random.random())
    if draw.random.random() < 0.2:
        end: Kind = draw.random.choice(("neverdark_killed", "neverdark_left"))
        faults.append(draw.fault(faults[0].lasts * draw.random.random(), end, lasts=draw.between(0.3, 20.0)))
    return faults


def hours(draw: Draw) -> list[Fault]:
    """Hours on air, in which somebody does something, or something breaks."""
    stream = draw.stream()
    faults = [draw.fault(0.0, "hours", stream, lasts=60.0 * draw.random.randint(2, 90))]
    faults[0] = faults[0]._replace(detail=draw.random.choice((1.0, 1.0, -1.0)) * draw.random.randint(2, 60))
    if draw.random.random() < 0.6:
        verb: Kind = draw.random.choice(("stop", "start", "stop_until", "start_until", "restart"))
        at = draw.random.uniform(30.0, 60.0 * abs(faults[0].detail) + faults[0].lasts)
        faults.append(draw.fault(at, verb, stream))
        if draw.random.random() < 0.6:
            faults += _shifted(away(draw), at + draw.between(0.3, 600.0))
    elif draw.random.random() < 0.5:
        faults += _shifted(single(draw), draw.random.uniform(0.0, 3600.0))
    return faults


def word(draw: Draw) -> list[Fault]:
    """What an operator said last, while neverdark comes and goes."""
    stream = draw.stream()
    verb: Kind = draw.random.choice(("stop", "stop", "stop_until", "start_until"))
    faults = [draw.fault(0.0, verb, stream)]
    faults += _shifted(away(draw), draw.between(0.1, 60.0))
    last = max(fault.at + fault.lasts for fault in faults)
    if verb == "stop":
        faults.append(draw.fault(last + draw.between(10.0, 300.0), "start", stream))
    return faults


def maintenance(draw: Draw) -> list[Fault]:
    """Somebody has announced that he works on it, and something breaks."""
    kind: Kind = draw.random.choice(("maintenance", "maintenance_planned"))
    stream = draw.stream()
    faults = [draw.fault(0.0, kind, stream, lasts=draw.between(120.0, 1800.0))]
    begins = draw.between(5.0, 300.0) if kind == "maintenance_planned" else 0.0
    faults[0] = faults[0]._replace(detail=round(begins, 3))
    for _ in range(draw.random.randint(1, 3)):
        broken = draw.fault(0.0, draw.random.choice((*_PROCESS, *_SOURCE, *_INGEST)), stream)
        faults += _shifted([broken], begins + faults[0].lasts * draw.random.uniform(-0.1, 1.1))
    if draw.random.random() < 0.3:
        faults += _shifted(away(draw), begins + faults[0].lasts * draw.random.random())
    return faults


def long_outage(draw: Draw) -> list[Fault]:
    """Longer than the quick attempts last: until the second layer, the cooldown and slow looks have had their say."""
    kind: Kind = draw.random.choice(("source_gone", "source_refused", "ingest_down", "ingest_refuses", "line_down"))
    stream = "" if kind == "line_down" else draw.stream()
    return [draw.fault(0.0, kind, stream, lasts=draw.between(600.0, 2400.0))]


# --- those of streams with fallbacks ---------------------------------------------------------------


def camera_lost(draw: Draw) -> list[Fault]:
    """The camera, and perhaps what is shown instead as well, at the same time or in the middle of it."""
    stream = draw.with_fallback()
    first = draw.fault(0.0, draw.random.choice(_CAMERA), stream)
    faults = [first]
    for _ in range(draw.random.randint(0, 2)):
        faults += draw.rung(stream, *_RUNG, "rung_killed", at=first.lasts * draw.random.uniform(0.0, 1.1))
    return faults


def camera_flaps(draw: Draw) -> list[Fault]:
    """The camera, or what is shown instead of it, is there and is not."""
    stream, at, faults = draw.with_fallback(), 0.0, list[Fault]()
    cameras = draw.ladders[stream].cameras if draw.random.random() < 0.5 else []
    kind: Kind = draw.random.choice(("source_gone", "source_silent", "source_refused"))
    if cameras:
        kind = "rung_gone"
        faults.append(draw.fault(0.0, "source_gone", stream, lasts=draw.between(300.0, 1200.0)))
    often = draw.random.random() < 0.5
    for _ in range(draw.random.randint(3, 12) + 50 * often):
        one = draw.fault(at, kind, stream, lasts=draw.between(2.0, 6.0 if often else 60.0))
        faults.append(one._replace(destination=cameras[0] if cameras else ""))
        at += one.lasts + draw.between(4.0, 10.0 if often else 120.0)
    return faults


def all_dead(draw: Draw) -> list[Fault]:
    """Both encoders end in the same moment, again and again, or both of what they read."""
    stream, at, faults = draw.with_fallback(), 0.0, list[Fault]()
    if draw.random.random() < 0.5:
        for _ in range(draw.random.randint(1, 5)):
            faults.append(draw.fault(at, "encoder_killed", stream))
            faults += draw.rung(stream, "rung_killed", at=at + draw.random.uniform(0.0, 0.3))
            at += draw.between(0.3, 20.0)
        return faults
    lasts = draw.between(20.0, 600.0)
    faults = [draw.fault(0.0, draw.random.choice(_SOURCE), stream, lasts=lasts)]
    for name in draw.ladders[stream].cameras:
        one = draw.fault(0.0, draw.random.choice(_RUNG), stream, lasts=lasts * draw.random.uniform(0.3, 1.5))
        faults.append(one._replace(destination=name))
    return faults


def bad_picture(draw: Draw) -> list[Fault]:
    """Black, or frozen, for some minutes; at times twice."""
    stream, faults, at = draw.with_fallback(), list[Fault](), 0.0
    for _ in range(draw.random.randint(1, 2)):
        kind: Kind = draw.random.choice(("picture_black", "picture_frozen"))
        faults.append(draw.fault(at, kind, stream, lasts=draw.between(5.0, 400.0)))
        at += faults[-1].lasts + draw.between(2.0, 100.0)
    if draw.random.random() < 0.4:
        faults += draw.rung(stream, *_RUNG, at=faults[0].lasts * draw.random.random())
    return faults


def refused_switch(draw: Draw) -> list[Fault]:
    """Another encoder cannot take over as it should, and is to."""
    stream = draw.with_fallback()
    kind: Kind = draw.random.choice(("link_distant", "no_keyframe"))
    faults = [draw.fault(0.0, kind, stream, lasts=draw.between(30.0, 600.0))]
    at = faults[0].lasts * draw.random.random()
    match draw.random.randint(0, 2):
        case 0:
            faults.append(draw.fault(at, draw.random.choice(_CAMERA), stream))
        case 1:
            faults.append(_shown(draw, stream, at))
        case _:
            faults.append(draw.fault(at, draw.random.choice(("restart", "reload_changed")), stream))
    return faults


def shown(draw: Draw) -> list[Fault]:
    """An operator chooses, and perhaps something breaks, or he takes it back."""
    stream = draw.with_fallback()
    faults = [_shown(draw, stream, 0.0)]
    if draw.random.random() < 0.6:
        faults.append(
            draw.fault(draw.between(0.2, 60.0), draw.random.choice((*_CAMERA, "encoder_killed", "restart")), stream)
        )
    if draw.random.random() < 0.4:
        faults += draw.rung(stream, *_RUNG, "rung_killed", at=draw.between(0.2, 60.0))
    back = draw.fault(draw.between(1.0, 900.0), "show", stream, lasts=0.0)
    return [*faults, back._replace(destination="auto")]


def _shown(draw: Draw, stream: str, at: float) -> Fault:
    names = ["primary", *(f"fallback{rung}" for rung in draw.ladders[stream].rungs if rung)]
    lasts = draw.random.choice((0.0, draw.between(5.0, 600.0)))
    return draw.fault(at, "show", stream, lasts=lasts)._replace(destination=draw.random.choice(names))


def away_on_fallback(draw: Draw) -> list[Fault]:
    """neverdark ends while a fallback is shown, or in the moment of a switch."""
    faults = camera_lost(draw) if draw.random.random() < 0.7 else shown(draw)
    last = max(fault.at + fault.lasts for fault in faults)
    return [*faults, *_shifted(away(draw), draw.random.uniform(0.0, max(10.0, last)))]


def slate_lost(draw: Draw) -> list[Fault]:
    """The slate's file is not there when it is wanted."""
    stream = draw.with_fallback()
    gone = draw.fault(0.0, "slate_gone", stream, lasts=draw.between(60.0, 900.0))
    return [gone, draw.fault(gone.lasts * draw.random.random(), draw.random.choice(_CAMERA), stream)]


# --- those of streams at YouTube -------------------------------------------------------------------


def studio(draw: Draw) -> list[Fault]:
    """A person at the channel."""
    kinds: tuple[Kind, ...] = ("youtube_ended", "youtube_ended", "youtube_deleted", "youtube_foreign")
    stream = draw.random.choice(draw.channel)
    faults = [draw.fault(0.0, draw.random.choice(kinds), stream)]
    if draw.random.random() < 0.3:
        faults.append(draw.fault(draw.between(1.0, 300.0), draw.random.choice((*kinds, "youtube_elsewhere")), stream))
    return faults


def lost_answers(draw: Draw) -> list[Fault]:
    """Calls fail, and are needed meanwhile."""
    kind: Kind = draw.random.choice(("youtube_spoilt", "youtube_spoilt", "youtube_slow", "youtube_stuck"))
    faults = _whole(draw, kind, lasts=draw.between(20.0, 2400.0))
    at = draw.random.uniform(-20.0, faults[0].lasts)
    return [*faults, *_shifted(studio(draw), at)]


def no_access(draw: Draw) -> list[Fault]:
    """The consent is revoked, or nothing is left of the quota."""
    kind: Kind = "youtube_consent" if draw.random.random() < 0.8 else "youtube_quota"
    faults = _whole(draw, kind, lasts=None if kind in _AT_ONCE else draw.between(60.0, 7200.0))
    return [*faults, *_shifted(studio(draw), draw.random.uniform(-60.0, 600.0))]


def ingest_complains(draw: Draw) -> list[Fault]:
    """What is sent does not arrive there, or not as it should."""
    kind: Kind = draw.random.choice(("youtube_unreceived", "youtube_unwell"))
    return [draw.fault(0.0, kind, draw.random.choice(draw.channel), lasts=draw.between(10.0, 1500.0))]


def ended_beside(draw: Draw) -> list[Fault]:
    """An encoder, a pusher or the way in trouble, and a broadcast that ends in it."""
    stream = draw.random.choice(draw.channel)
    kind: Kind = draw.random.choice((*_PROCESS, *_SOURCE, *_INGEST))
    first = draw.fault(0.0, kind, stream)
    ended: Kind = draw.random.choice(("youtube_ended", "youtube_deleted"))
    return [first, draw.fault(draw.random.uniform(-30.0, first.lasts + 60.0), ended, stream)]


def dies_in_call(draw: Draw) -> list[Fault]:
    """neverdark dies in the middle of a repair."""
    stream = draw.random.choice(draw.channel)
    killed = draw.fault(0.0, "neverdark_killed_in_call", lasts=draw.between(0.3, 60.0))
    return [killed, draw.fault(draw.between(0.1, 30.0), "youtube_ended", stream)]


def dies_on_the_way(draw: Draw) -> list[Fault]:
    """neverdark goes and comes while a broadcast is being brought up."""
    return [*studio(draw), *_shifted(away(draw), draw.random.uniform(0.0, 150.0))]


def _whole(draw: Draw, kind: Kind, *, lasts: float | None) -> list[Fault]:
    """It comes to all streams of the channel."""
    first = draw.fault(0.0, kind, draw.channel[0], lasts=lasts)
    return [first._replace(stream=stream) for stream in draw.channel]


WITH_YOUTUBE: Mapping[Shape, int] = {
    studio: 20,
    lost_answers: 25,
    no_access: 5,
    ingest_complains: 10,
    ended_beside: 15,
    dies_in_call: 10,
    dies_on_the_way: 10,
}
WITH_FALLBACKS: Mapping[Shape, int] = {
    camera_lost: 10,
    camera_flaps: 6,
    all_dead: 5,
    bad_picture: 5,
    refused_switch: 5,
    shown: 5,
    away_on_fallback: 6,
    slate_lost: 3,
}
OUT_THERE: Mapping[Shape, int] = {  # neverdark lives all the time
    single: 14,
    silence: 4,
    burst: 5,
    flapping: 6,
    power_strip: 3,
    massacre: 4,
    one_ingest: 4,
    one_line: 4,
    resolver: 2,
    second_blow: 8,
    hand: 6,
    planned: 4,
    drill: 3,
    bad_clock: 3,
    busy_machine: 3,
    full_disk: 2,
    no_room: 3,
    blind: 3,
    long_outage: 3,
}
SHAPES: Mapping[Shape, int] = {**OUT_THERE, away: 8, crash: 4, database: 5, hours: 4, word: 5, maintenance: 4}
ALL_SHAPES: Mapping[Shape, int] = {**SHAPES, **WITH_FALLBACKS, **WITH_YOUTUBE}


def needs_fallbacks(shapes: str) -> bool:
    """Whether one of these shapes is about a fallback; empty: all are drawn from."""
    return not shapes or any(shape.__name__ in shapes.split(",") for shape in WITH_FALLBACKS)


def needs_youtube(shapes: str) -> bool:
    """Whether one of these shapes is about YouTube."""
    return any(shape.__name__ in shapes.split(",") for shape in WITH_YOUTUBE)


def history(
    seed: int,
    site: Site,
    seconds: float,
    count: int,
    shapes: str = "",
    ladders: Mapping[str, Ladder] | None = None,
    channel: Collection[str] = (),
) -> list[Fault]:
    """About `count` faults for so many seconds, in order of time; at the end of them there is quiet.

    `shapes` names those that are drawn from, with commas between; empty: all. Those of streams
    with fallbacks, or at YouTube, are drawn from where there are some. Where an episode begins is drawn over the
    whole time, so that some fall together and hours pass without any.
    """
    random = Random(f"history of {seed}")
    draw, faults = Draw(random, site, ladders, channel), list[Fault]()
    every = {**SHAPES, **(WITH_FALLBACKS if ladders else {}), **(WITH_YOUTUBE if channel else {})}
    known = {shape: often for shape, often in every.items() if not shapes or shape.__name__ in shapes.split(",")}
    while len(faults) < count:
        shape = random.choices(list(known), list(known.values()))[0]
        drawn = shape(draw)
        length = max(fault.at + fault.lasts for fault in drawn)
        room = seconds - QUIET_AT_FIRST - QUIET_AT_LAST - length
        if room > 0:
            faults += _shifted(drawn, QUIET_AT_FIRST + random.random() * room)
        elif length <= 0 or seconds < QUIET_AT_FIRST + QUIET_AT_LAST + 60.0:
            break  # so short a time has room for nothing
    return sorted(_possible(sorted(faults)))


def _possible(faults: Sequence[Fault]) -> Iterator[Fault]:
    """Without what could not be: the same thing twice at the same time."""
    until: dict[tuple[str, str, str], float] = {}
    for fault in faults:
        place = (fault.kind, fault.stream, fault.destination)
        if fault.at >= until.get(place, -1.0):
            until[place] = fault.at + fault.lasts
            yield fault


def _shifted(faults: Sequence[Fault], by: float) -> list[Fault]:
    return [fault._replace(at=round(max(0.0, fault.at + by), 3)) for fault in faults]


def _same_place(faults: Sequence[Fault]) -> list[Fault]:
    return [fault._replace(destination=faults[0].destination) for fault in faults]
