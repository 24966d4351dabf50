"""Whether a stream is on air, since when, and why not. Pure; `now` is monotonic, `wall` the time of day, in seconds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from supervisor.judge.airtime import AirTime
from supervisor.model.quantities import show_duration
from supervisor.model.terms import Cause, Health, Segment, State, Verdict


class AirJudgement(NamedTuple):
    """What is so at one moment. `planned`: off air because somebody wanted it so, or nothing has had a chance yet.

    `dark_for` seconds no media has come from who keeps it from being on air.
    """

    wanted: bool
    on_air: bool
    planned: bool = False
    segment: Segment = Segment.UNKNOWN
    dark_for: float = 0.0
    reason: str | None = None


ON_AIR = AirJudgement(wanted=True, on_air=True)


class Culprit(NamedTuple):
    """What is known of the process that keeps a stream from being on air; times are monotonic."""

    name: str
    state: State
    held: bool  # it waits for another process that does the same to be gone
    cause: Cause | None
    said: str | None
    retry_at: float | None
    last_advance: float | None
    awaits: str | None = None  # what it waits for before it can begin, in words


class OnAir:
    """The account of one stream: every second's judgement, in turn."""

    def __init__(self, now: float) -> None:
        self.yes = False
        self.since = 0.0  # wall clock: when `yes` last changed; 0: there was no judgement yet
        self.time = AirTime(now)
        self._since_now = 0.0

    def account(
        self, judged: AirJudgement, now: float, wall: float, *, excused: bool, on_fallback: bool = False
    ) -> float | None:
        """Book the time since the last call. Returns how long the state before lasted if it has changed just now."""
        if judged is ON_AIR and self.yes and self.time.flows:  # as nearly always
            self.time.go_on_air(now, on_fallback=on_fallback)
            return None
        on_air, planned = judged.on_air, judged.planned
        self.time.account(
            now,
            wanted=judged.wanted,
            on_air=on_air,
            segment=judged.segment,
            excused=excused,
            on_fallback=on_fallback,
        )
        if judged.wanted:
            self.time.note_darkness(now, on_air=on_air, planned=planned, media_stopped=wall - judged.dark_for)
        if on_air == self.yes and self.since:
            return None
        lasted = now - self._since_now if self.since else 0.0
        changed = on_air or self.yes  # a stream begins off air: that is no news
        self.yes, self.since, self._since_now = on_air, wall, now
        return lasted if changed else None

    def since_at(self, judged: AirJudgement, wall: float) -> float:
        """`since` as this judgement would make it. Changes nothing."""
        return self.since if judged.on_air == self.yes and self.since else wall

    def dark_since_at(self, judged: AirJudgement, now: float, wall: float) -> float:
        """When media stopped (wall clock), as this judgement would have it; 0: it flows. Changes nothing."""
        if not judged.wanted:
            return self.time.off_air_since
        return self.time.dark_since(
            now, on_air=judged.on_air, planned=judged.planned, media_stopped=wall - judged.dark_for
        )


def who_is_dark(needed: Sequence[Sequence[float | None]]) -> tuple[int, int] | None:
    """Who, if anybody, keeps a stream from being on air, as a place in `needed`.

    That is a list of groups, in each of which one suffices. None stands for who advances, and for all others there is
    when they last did (0: never). Of the first group in which nobody does, it is who was the last to.
    """
    for place, group in enumerate(needed):
        dark = [last for last in group if last is not None]
        if len(dark) == len(group):
            return place, dark.index(max(dark))
    return None


def health(judged: AirJudgement, *, every_destination: bool, verdicts: Collection[Verdict]) -> Health:
    """How a stream is; `verdicts` are the second layer's."""
    if not judged.wanted:
        return Health.UNKNOWN
    if not judged.on_air:
        return Health.UNKNOWN if judged.planned else Health.UNHEALTHY
    doubt = {Verdict.DEGRADED, Verdict.UNHEALTHY} & set(verdicts)
    return Health.HEALTHY if every_destination and not doubt else Health.DEGRADED


def explain(culprit: Culprit, now: float) -> str:
    """Why the stream is not on air, in words."""
    cause = f" after {culprit.cause}" if culprit.cause else ""
    if cause and culprit.said:
        cause += f" ({culprit.said})"
    if culprit.held:
        return f"{culprit.name}: waits for another process that does the same to be gone"
    if culprit.state in {State.BACKOFF, State.COOLDOWN}:
        left = show_duration(max(0.0, (culprit.retry_at or now) - now))
        return f"{culprit.name}: {culprit.state}{cause}, next attempt in {left}"
    if culprit.state is State.RUNNING and culprit.last_advance is not None:
        return f"{culprit.name}: no progress for {show_duration(now - culprit.last_advance)}"
    return f"{culprit.name}: {culprit.awaits or culprit.state}{cause}"
