"""What somebody has announced, so that it is not taken for a failure of the stream. Pure book-keeping.

Times are monotonic seconds: setting the clock must not make a drill longer.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from supervisor.model.subjects import Subject


class Kind(StrEnum):
    """What is announced."""

    DRILL = "drill"
    MAINTENANCE = "maintenance"


# Who is off air meanwhile need wake nobody, and it is no time off air.
MAINTENANCE = frozenset({Kind.DRILL, Kind.MAINTENANCE})


class Excuse(NamedTuple):
    """`subject` is excused from `since` on and before `until`; None: until somebody ends it."""

    kind: Kind
    subject: Subject
    since: float
    until: float | None
    by: str
    reason: str

    def active(self, at: float) -> bool:
        """Whether it counts."""
        return self.since <= at and (self.until is None or at < self.until)


class Excuses:
    """At most one of each kind for a subject; what is over is dropped when the next one comes."""

    def __init__(self) -> None:
        self._of: dict[Subject, dict[Kind, Excuse]] = {}

    def open(self, excuse: Excuse) -> None:
        """From now on this one counts, instead of the one of its kind before."""
        mine = self._of.get(excuse.subject, {})
        still = {kind: one for kind, one in mine.items() if one.until is None or one.until > excuse.since}
        self._of[excuse.subject] = {**still, excuse.kind: excuse}

    def end(self, subject: Subject, kind: Kind) -> None:
        """It is over before its time, or had none."""
        self._of.get(subject, {}).pop(kind, None)

    def forget(self, subject: Subject) -> None:
        """The subject is not there any more."""
        self._of.pop(subject, None)

    def active(self, subject: Subject, at: float) -> tuple[Excuse, ...]:
        """Those that count `at` some time."""
        return tuple(excuse for excuse in self._of.get(subject, {}).values() if excuse.active(at))

    def covers(self, subject: Subject, kinds: Collection[Kind], at: float) -> bool:
        """Whether one of these kinds counts."""
        if not self._of:  # as a rule, and every stream is asked for every second
            return False
        return any(excuse.kind in kinds for excuse in self.active(subject, at))
