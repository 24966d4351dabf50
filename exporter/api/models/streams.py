"""A stream with its destinations, and the list of all."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime

from exporter.api.example import Example
from exporter.api.models.configuration import Configuration
from exporter.api.models.maintenance import MaintenanceWindow
from exporter.api.models.processes import Process, UplinkState
from exporter.api.models.watchdog import WatchdogState
from exporter.api.shape import From, Made, Shape, show_time
from supervisor.model import snapshot
from supervisor.model.content import ContentState, Defect, Found
from supervisor.model.fallback import FallbackWaits, SourceOrder
from supervisor.model.snapshot import LinkState
from supervisor.model.terms import Health, IngestRole, Verdict


def _unknown(_: object) -> None:
    """What a destination alone does not tell."""


@Example(backlog_seconds=0.2, backlog_limit_seconds=5.0, av_offset_seconds=0.012, overruns=0)
class Link(Shape, like=LinkState):
    """What a pusher is given and what becomes of it.

    `backlog_seconds` of media are not on the line yet, more than `backlog_limit_seconds` are too many. The sound leaves
    `av_offset_seconds` ahead of the picture; null: not known. `overruns` counts how often media was thrown away.
    """


@Example(finding="black", since="2026-03-01T18:00:00.000Z", verdict="degraded", said="black for 12s")
class ContentFinding(Shape, like=Found, without=("defect",)):
    """What is wrong with picture or sound, since when, how bad that is, and in words."""

    finding: Annotated[Defect, From("defect")]
    since: AwareDatetime


@Example(
    verdict="degraded",
    verdicts={"black": "degraded", "frozen": "healthy", "silent": "healthy", "loud": "healthy"},
    counts={"black": 1, "frozen": 0, "silent": 0, "loud": 0},
    luma=0.004,
    difference=0.0002,
    sound=-32.5,
    peak=-20.2,
)
class Content(Shape, like=ContentState):
    """Picture and sound as the source has them, once a second.

    `verdicts` has what is looked at, `counts` how often each was found since neverdark started; `verdict` is the worst
    of what is known. `luma` is 0 for black and 1 for white, `difference` that from the picture of a second before, on
    the same scale; `sound` and `peak` are in dB, 0 for full scale and -120 for silence. Null: not known.
    """

    findings: list[ContentFinding]


@Example(
    profile="youtube",
    conforms=False,
    findings=["keyframe interval 8 s: youtube expects at most 4 s"],
    keyframe_interval=8.0,
    frame_rate=30.0,
    bit_rate=4_628_000.0,
    bit_rate_peak=1.1,
    b_frames=0,
    sample_rate=48_000,
)
class ConformanceState(Shape, like=snapshot.Conformance):
    """What is sent against what the destination's `profile` expects, as far as it is known.

    `conforms` is null while too little has been seen; `findings` says in words what is not as expected, and has not
    been for some minutes. What was seen: `keyframe_interval` in seconds, `frame_rate` in frames, `bit_rate` in bits and
    `sample_rate` in samples a second; `bit_rate_peak` is how much higher than the mean the bit rate gets, `b_frames`
    how many B-frames stand in a row at least.
    """


@Example(
    platform="youtube",
    verdict="healthy",
    said="stream active, health good, broadcast live, page live",
    exhausted=False,
    mend="",
    former_url=None,
    ended=None,
    as_of="2026-03-01T12:00:00.000Z",
)
class AtPlatform(Shape):
    """What the platform itself says of a destination, in words; see /api/platforms for all of it.

    `verdict` is the worst of its checks. `exhausted`: nothing is left that neverdark could try. `mend` is the command
    that renews the login, where somebody has to. Where viewers have no address, or nobody knows it any more,
    `former_url` is the latest that they had, and `ended` when that broadcast ended, if it did. `as_of`: when the
    platform was heard.
    """

    platform: str
    verdict: Verdict
    said: str
    exhausted: bool
    mend: str
    former_url: str | None
    ended: AwareDatetime | None
    as_of: AwareDatetime | None


@Example(
    id=1,
    name="youtube",
    full_name="harbour-cam:youtube",
    url="rtmps://a.rtmps.youtube.com/live2/***",
    required=True,
    role=None,
    on_air=True,
    expected_bytes_per_second=578_500.0,
    watch_url="https://www.youtube.com/watch?v=dQw4w9WgXcQ",
)
class Destination(Shape):
    """One destination; its URL is shown without secrets.

    `id` is a number that stays its own for ever, also while it is not configured; null as long as the database cannot
    give it one.
    `role`: it is the `primary` or the `backup` of two ingests, of which one suffices; else null. `required`: the stream
    is off air without it.
    `uplink` is null where there is no TCP connection to watch, `link` where neverdark feeds no pusher, `watchdog` where
    nobody watches, `conformance` where the destination has no `profile`, or nothing is sent.
    `watch_url` is where viewers see it, or will, `platform` what the platform says; null where nobody asks, or it is
    not known.
    """

    id: int | None
    name: str
    full_name: str
    url: Annotated[str, From("shown_url")]
    required: bool
    role: IngestRole | None
    on_air: bool
    expected_bytes_per_second: float | None
    uplink: UplinkState | None
    link: Link | None
    watchdog: WatchdogState | None
    conformance: ConformanceState | None
    watch_url: Annotated[str | None, Made(_unknown)]  # these two come from the platforms: see `seen`
    platform: Annotated[AtPlatform | None, Made(_unknown)]


@Example(by="schedule", why="schedule", since="2026-03-01T05:00:00.000Z", until="2026-03-01T21:00:00.000Z")
class Desired(Shape, like=snapshot.Wanted, without=("wanted",)):
    """Whose word it is that a stream shall run or not, and since and until when.

    The configuration's (`enabled`), that of its `schedule`, which counts more, or an `operator`'s, which counts most.
    `until` is null as long as nobody can tell.
    """

    since: AwareDatetime | None
    until: AwareDatetime | None


@Example(name="fallback1", active=False, slate=True, seconds=61.5, content=None)
class StreamSource(Shape):
    """One source of a stream: its own (`primary`) or a fallback. `active`: viewers are given it.

    `slate`: a picture of neverdark's. `seconds`: for how long viewers were given it. `content`: what picture and sound
    are found to be, also while viewers are not given it; null where nobody looks at them.
    """

    name: str
    active: bool
    slate: bool
    seconds: float
    content: Verdict | None


@Example(source="fallback1", why="lens is cleaned", since="2026-03-01T18:00:00.000Z", until="2026-03-01T18:10:00.000Z")
class OrderedSource(Shape, like=SourceOrder):
    """What an operator wants viewers to see, why, since when, and `until` when; null: until another order."""

    since: AwareDatetime
    until: AwareDatetime | None


@Example(after=0.0, return_after=30.0)
class Fallback(Shape, like=FallbackWaits):
    """Seconds for which a stream's own source may be gone before viewers are given another one.

    And for which it must be good before they are given it again: more, after it has failed again soon.
    """


@Example(
    stream="harbour-cam",
    wanted=True,
    on_air=True,
    verified=True,
    on_primary=True,
    source="primary",
    health="healthy",
    since="2026-03-01T10:00:02.250Z",
    origin="file",
    group="lobby",
    labels={"site": "berlin"},
    command=False,
    maintenance=False,
    maintenance_window=None,
    drills=False,
    wanted_seconds=28_804.5,
    on_air_seconds=28_801.1,
    on_fallback_seconds=61.5,
)
class Stream(Shape):
    """One stream; `since` is when `on_air` last changed, `reason` says why it is not on air.

    `on_primary` and `source` tell which of its `sources` viewers are given; none are listed without a fallback.
    `ordered_source` is null while nobody has ordered one: then it is the best that works. `fallback` is null without
    any.
    `on_fallback_seconds` are those of `on_air_seconds` in which that was not its own, since neverdark was started.

    `note` says what is wrong with its source although it is on air, such as sound that is declared and not sent, and
    which destinations wait for a viewer to call. `track` is the name of the file that is played, of a list; null
    without one.

    `verified` is false for a command of which nothing tells whether media arrives (no `{progress}` in it, and no
    destinations): `on_air` then only says that it runs.
    `content` is null where nobody looks at picture and sound.
    `off_air_since` is when it went off air, until media has advanced for 30 s again. `drills`: whether
    faults may be caused on purpose; `maintenance`: what fails now was announced, by a drill or
    a `maintenance_window`.
    """

    stream: Annotated[str, From("name")]
    wanted: bool
    desired: Desired
    on_air: bool
    verified: bool
    on_primary: bool
    source: str
    reason: str | None
    note: str | None
    track: str | None
    health: Health
    since: AwareDatetime
    origin: str
    group: str | None
    labels: dict[str, str]
    command: Annotated[bool, From("is_command")]
    maintenance: bool
    maintenance_window: MaintenanceWindow | None
    drills: bool
    off_air_since: Annotated[AwareDatetime | None, Made(lambda stream: show_time(stream.off_air_since or None))]
    wanted_seconds: float
    on_air_seconds: float
    on_fallback_seconds: float
    processes: list[Process]
    content: Content | None
    destinations: list[Destination]
    sources: list[StreamSource]
    ordered_source: OrderedSource | None
    fallback: Fallback | None


@Example(at="2026-03-01T18:00:00.000Z", version="1.0.0", token_required=True)
class StreamList(Shape):
    """All streams at the moment `at`."""

    at: AwareDatetime
    version: str
    token_required: bool
    configuration: Configuration
    streams: list[Stream]
