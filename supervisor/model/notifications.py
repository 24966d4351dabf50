"""Who was told of what, and which incident that belongs to. Pure. Times are seconds since 1970."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from supervisor.model.incidents import Incident

Status = Literal["firing", "resolved"]
# The same delivery, tried again because our answer got lost. What comes later was told once more.
SAME_WITHIN: Final = 30.0
NEAR: Final = 300.0  # so long after an incident, or before it, an alert may begin that is about it
MOST_INCIDENTS: Final = 1000
MOST_OF_ONE: Final = 100
# How wide our own rules say that an alert is; alerts of others have no such label.
SCOPES: Final = frozenset({"job", "site", "instance", "stream", "process", "destination", "monitoring"})


class Notification(NamedTuple):
    """Alertmanager has told `receiver` what became of `alert`: first `at`, latest `last`, so many `times`.

    `id` is the same whenever the same is told again. The alert began at `starts`; its labels say how wide it is
    (`scope`) and what it is about. `incident` is what it names, or belongs to, if anything.
    """

    id: str
    at: float
    last: float
    receiver: str
    alert: str
    severity: str | None
    status: str
    stream: str | None = None
    destination: str | None = None
    scope: str | None = None
    starts: float = 0.0
    incident: str | None = None
    times: int = 1

    def again(self, later: Notification) -> Notification:
        """This one, when the same has come once more."""
        known = self._replace(incident=self.incident or later.incident)
        if later.last - self.last <= SAME_WITHIN:
            return known
        return known._replace(last=later.last, times=self.times + 1)


class Heard(NamedTuple):
    """What became of what Alertmanager has sent: so many are kept, so many are of no concern to us."""

    noted: int
    ignored: int


def is_ours(one: Notification, streams: Collection[str]) -> bool:
    """Whether it is about neverdark: others may use the same Alertmanager. A heartbeat tells nobody anything."""
    if one.severity == "heartbeat":
        return False
    return one.scope in SCOPES or one.stream in streams


def belongs_to(one: Notification, incidents: Iterable[Incident]) -> str | None:
    """The incident that it names; else that of its stream which went on when the alert began, or nearly so.

    Of several: the nearest, then the one about the same destination, then one that counts, then the latest.
    """
    known = {incident.id: incident for incident in incidents}
    if one.incident in known:
        return one.incident
    found = [
        (away, _strangeness(one, incident), incident.excused is not None, -incident.opened, incident.id)
        for incident in known.values()
        if _may_be(one, incident) and (away := _away(one.starts, incident)) <= NEAR
    ]
    return min(found)[-1] if found else None


def _may_be(one: Notification, incident: Incident) -> bool:
    if not one.stream or incident.stream != one.stream:
        return False
    return not one.destination or incident.destination in {None, one.destination}


def _away(at: float, incident: Incident) -> float:
    if at < incident.opened:
        return incident.opened - at
    return max(0.0, at - incident.closed) if incident.closed is not None else 0.0


def _strangeness(one: Notification, incident: Incident) -> int:
    return int((one.destination or None) != incident.destination)


class Told:
    """What was told of the incidents of this life of neverdark: bounded, the oldest are forgotten first."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, Notification]] = {}

    def hear(self, notifications: Iterable[Notification]) -> None:
        """What belongs to no incident is of no concern here."""
        for one in notifications:
            if one.incident is None:
                continue
            mine = self._of.setdefault(one.incident, {})
            if (known := mine.get(one.id)) is not None:
                mine[one.id] = known.again(one)
            elif len(mine) < MOST_OF_ONE:
                mine[one.id] = one
            if len(self._of) > MOST_INCIDENTS:
                del self._of[next(iter(self._of))]

    def incidents(self) -> tuple[str, ...]:
        """Of which there are some."""
        return tuple(self._of)

    def of(self, incident: str) -> tuple[Notification, ...]:
        """In the order in which they came."""
        return tuple(self._of.get(incident, {}).values())
