"""What picture and sound were like for some time → what is wrong with them. Pure; times are passed in, monotonic.

A defect is found when every sample of a time had it, and over with three good ones in a row. Without samples nothing is
known: that is never a defect, and what was found before is withdrawn after a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from supervisor.model.content import OF_SOUND, ContentPolicy, ContentState, Defect, Found, Level
from supervisor.model.quantities import show_duration
from supervisor.model.terms import Trouble, Verdict

_UNKNOWN_AFTER = 5.0  # seconds without a sample
_WITHDRAWN_AFTER = 30.0  # the next run of an encoder may take so long to show something
_GOOD_AGAIN = 3  # samples in a row
_QUICKLY, _LOOKS = 5.0, 4  # of samples that come now and then: so soon, so often while something may be bad
_WORST = (Verdict.UNHEALTHY, Verdict.DEGRADED, Verdict.HEALTHY)

_SEEN_IN = {
    Defect.BLACK: Level.BRIGHT,
    Defect.FROZEN: Level.DIFFERENCE,
    Defect.STILL: Level.DIFFERENCE,
    Defect.SILENT: Level.SOUND,
    Defect.LOUD: Level.SOUND,
}
_WORDS = {
    Defect.BLACK: "black",
    Defect.FROZEN: "frozen",
    Defect.STILL: "nothing has moved",
    Defect.SILENT: "silent",
    Defect.LOUD: "too loud",
}


class Turn(NamedTuple):
    """A defect was found, or is over; it has lasted for so many seconds. Not `seen`: nobody can tell any more."""

    defect: Defect
    found: bool
    seconds: float
    seen: bool = True


class ContentEvidence(NamedTuple):
    """What the second layer is to know: the worst that is found, and whether a restart is wished for it."""

    verdict: Verdict
    cause: Trouble | None
    said: str
    restart: bool


@dataclass(slots=True)
class _Row:
    """The samples of one defect."""

    latest: float | None = None  # when the latest one came
    bad: float | None = None  # since when all of them have it
    good: int = 0  # so many in a row have it not
    found: float | None = None
    count: int = 0
    proven: bool = False  # the latest run has shown that it is not so

    def take(self, now: float, patience: float, *, bad: bool) -> None:
        if self.latest is None or now - self.latest > patience:
            self.good = 0
            if self.found is None:
                self.bad = None
        self.latest = now
        if bad:
            self.good = 0
            self.bad = now if self.bad is None else self.bad
        else:
            self.good += 1
            self.proven = True
            if self.found is None:
                self.bad = None


class ContentWatch:
    """Lives with the place of one encoder, through all of its runs."""

    def __init__(self, policy: ContentPolicy) -> None:
        self._rows = {defect: _Row() for defect in policy.bounds}
        self._levels: dict[Level, tuple[float, float]] = {}  # value, and when it came
        self.heard = False  # anything of the latest run
        self._moved = False  # ever: what never does is not still
        self.policy = policy

    def follow(self, policy: ContentPolicy) -> list[Turn]:
        """Other bounds. What was found by those that are no more is withdrawn."""
        gone = [defect for defect in self._rows if defect not in policy.bounds]
        turns = [turn for defect in gone if (turn := _over(defect, self._rows.pop(defect), None))]
        for defect in policy.bounds.keys() - self._rows.keys():
            self._rows[defect] = _Row()
        self.policy = policy
        return turns

    def begin_run(self) -> None:
        """Another run: nothing of it is known yet."""
        self.heard = False
        for row in self._rows.values():
            row.proven = False

    @property
    def doubtful(self) -> bool:
        """All samples of something that the latest run has brought so far are bad."""
        return any(row.bad is not None and not row.proven for row in self._rows.values())

    @property
    def causes(self) -> frozenset[Trouble]:
        """What is found now."""
        return frozenset(defect.cause for defect, row in self._rows.items() if row.found is not None)

    @property
    def listens(self) -> bool:
        """Something is looked at in the sound."""
        return not OF_SOUND.isdisjoint(self.policy.bounds)

    def take(self, level: Level, value: float, now: float, usual: float = 0.0) -> None:
        """A sample. Of a source that delivers in pieces, `usual` seconds without one are no news."""
        self._levels[level] = value, now
        self.heard = True
        patience = _UNKNOWN_AFTER + usual
        for defect, row in self._rows.items():
            if _SEEN_IN[defect] is level and (defect not in OF_SOUND or self._is_own(now, patience)):
                row.take(now, patience, bad=self._has(defect, value, now))

    def _is_own(self, now: float, patience: float) -> bool:
        """Where the source brings no sound, silence of ours takes its place: that is as it should be."""
        own = self._levels.get(Level.OWN_SOUND)
        return own is not None and now - own[1] <= patience

    def _has(self, defect: Defect, value: float, now: float) -> bool:
        level = self.policy.bounds[defect].level
        match defect:
            case Defect.FROZEN:
                return value == 0.0
            case Defect.BLACK:  # a few lamps are less than a tenth of a night, and more than nothing
                return max(value, self._levels.get(Level.LUMA, (value, now))[0]) <= level
            case Defect.LOUD:
                return value >= level
            case Defect.STILL:
                self._moved = self._moved or value > level
                return self._moved and value <= level
            case _:
                return value <= level

    def look(self, now: float, usual: float = 0.0) -> list[Turn]:
        """Called every second: what has changed."""
        return [
            turn
            for defect, row in self._rows.items()
            if (turn := self._turn(defect, row, now, _UNKNOWN_AFTER + usual)) is not None
        ]

    def _turn(self, defect: Defect, row: _Row, now: float, patience: float) -> Turn | None:
        if row.latest is None:
            return None
        if row.found is not None:
            if row.good >= _GOOD_AGAIN:
                return _over(defect, row, now)
            return _over(defect, row, None) if now - row.latest > patience + _WITHDRAWN_AFTER else None
        known = row.bad is not None and now - row.latest <= patience
        if row.bad is None or not known or row.latest - row.bad < self.policy.bounds[defect].after:
            return None
        row.found, row.count = now, row.count + 1
        return Turn(defect, found=True, seconds=now - row.bad)

    def hurry(self) -> float | None:
        """Of samples that come now and then: seconds from the latest to the next; None: as the owner wishes.

        What looks bad is to be known when it has been so for long enough, and what looks good again soon after.
        """
        waits = []
        for defect, row in self._rows.items():
            if row.found is not None:
                waits += [_QUICKLY] if row.good else []
            elif row.bad is not None and row.latest is not None:
                after = self.policy.bounds[defect].after
                waits.append(min(max(_QUICKLY, after / _LOOKS), row.bad + after - row.latest))
        return min(waits, default=None)

    def forget(self) -> list[Turn]:
        """Nothing runs, by intention: nothing is known, and nothing is wrong."""
        turns = [turn for defect, row in self._rows.items() if (turn := _over(defect, row, None))]
        self._rows = {defect: _Row(count=row.count) for defect, row in self._rows.items()}
        self._levels.clear()
        return turns

    # --- what it shows -----------------------------------------------------------------------------

    def state(self, now: float, wall: float, usual: float = 0.0) -> ContentState:
        """As it is now."""
        patience = _UNKNOWN_AFTER + usual
        verdicts = {defect: self._verdict(row, now, patience) for defect, row in self._rows.items()}
        findings = tuple(
            Found(defect, wall - (now - row.bad), verdicts[defect], said(defect, now - row.bad))
            for defect, row in self._rows.items()
            if row.found is not None and row.bad is not None
        )
        shown = {level: value for level, (value, at) in self._levels.items() if now - at <= patience}
        return ContentState(
            worst(verdicts),
            verdicts,
            {defect: row.count for defect, row in self._rows.items()},
            findings,
            _share(shown.get(Level.LUMA)),
            shown.get(Level.DIFFERENCE),
            shown.get(Level.SOUND),
            shown.get(Level.PEAK),
        )

    def unfit_for(self, now: float) -> float | None:
        """Seconds since the first of what is found was; None: nothing is, or no fallback is wished for it."""
        found = [row.found for row in self._rows.values() if row.found is not None]
        return now - min(found) if found and self.policy.recover == "fallback" else None

    def _verdict(self, row: _Row, now: float, patience: float) -> Verdict:
        if row.latest is None or now - row.latest > patience:
            return Verdict.UNKNOWN
        if row.found is None:
            return Verdict.HEALTHY
        return Verdict.UNHEALTHY if now - row.found >= self.policy.unhealthy_after else Verdict.DEGRADED


def said(defect: Defect, seconds: float) -> str:
    """In words: what, and for how long."""
    return f"{_WORDS[defect]} for {show_duration(seconds)}"


def worst(verdicts: Mapping[Defect, Verdict]) -> Verdict:
    """Of what is known."""
    return next((verdict for verdict in _WORST if verdict in verdicts.values()), Verdict.UNKNOWN)


def evidence_of(state: ContentState, policy: ContentPolicy) -> ContentEvidence:
    """What the second layer is to know of it."""
    found = next((one for one in state.findings if one.verdict is state.verdict), None)
    restart = policy.recover == "restart"
    return ContentEvidence(state.verdict, found and found.defect.cause, found.said if found else "", restart)


def _over(defect: Defect, row: _Row, now: float | None) -> Turn | None:
    """It is withdrawn; `now`: it is seen to be good."""
    if row.found is None or row.bad is None or row.latest is None:
        return None
    seconds = (row.latest if now is None else now) - row.bad
    row.found = row.bad = None
    return Turn(defect, found=False, seconds=seconds, seen=now is not None)


def _share(luma: float | None) -> float | None:
    return None if luma is None else min(1.0, max(0.0, luma))
