"""The open incidents of one stream: whose a failure is, which belong together, and whose clock runs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from supervisor.judge.incident import GRACE, Member, OpenIncident
from supervisor.model.subjects import Subject
from supervisor.model.terms import ProcessKey, Role
from supervisor.model.thresholds import BREAKS_WITHIN_SECONDS

_AT_ONCE = 1.0


class Gathered(NamedTuple):
    """Which incident goes on, and which one has taken `parts` in."""

    incident: OpenIncident
    whole: OpenIncident
    parts: list[OpenIncident]


class OpenIncidents:
    """Each process is a root of one incident at most, and may follow in that of the encoder."""

    def __init__(self) -> None:
        self._all: list[OpenIncident] = []

    def __iter__(self) -> Iterator[OpenIncident]:
        return iter(tuple(self._all))

    # --- whose a failure is ------------------------------------------------------------------------

    def add(self, incident: OpenIncident) -> None:
        """One more; its root follows nowhere else."""
        for other in self._all:
            for key in incident.members:
                other.members.pop(key, None)
        self._all.append(incident)

    def remove(self, incident: OpenIncident) -> None:
        """It is over, or a part of another."""
        self._all.remove(incident)

    def of(self, key: ProcessKey) -> OpenIncident | None:
        """The incident that a process is a part of: its own, or else that of its encoder."""
        return next((one for one in self._all if one.is_root(key)), None) or next(
            (one for one in self._all if one.has(key)), None
        )

    def for_failure(self, key: ProcessKey, now: float) -> OpenIncident | None:
        """The incident that a failure is a part of: its own, or that of the encoder if that explains it."""
        own, root = self.of(key), self._at_the_encoder()
        if own and own.is_root(key):
            return own
        if root and key.role is Role.PUSHER:
            member = root.members.get(key)
            waits = root.failing or (member is not None and member.dark)
            if waits or (root.back is not None and now - root.back <= BREAKS_WITHIN_SECONDS):
                return root
        return self.without_process(key.destination)

    def for_complaint(self, about: Subject, by: object, now: float) -> OpenIncident | None:
        """The same for what is wrong while media flows; with the encoder's own complaint it is one."""
        own, root = self._own(about), self._at_the_encoder()
        if own:
            return own
        if root and about.destination:
            root.standing.discard((about, by))
            lately = root.back is not None and now - root.back <= GRACE
            if root.failing or root.standing or lately:
                return root
        return self.without_process(about.destination)

    def _own(self, about: Subject) -> OpenIncident | None:
        """The incident of which this is a root. What has no process shares that of the process in the same place."""
        if key := about.key:
            own = self.of(key)
            return own if own and own.is_root(key) else None
        if not about.destination:
            return self._at_the_encoder()
        mine = (
            one for one in self._all if not one.at_the_encoder
        )  # several may share one, under no destination's name
        return next((one for one in mine if one.destination == about.destination or one.found(about)), None)

    def without_process(self, destination: str) -> OpenIncident | None:
        """The incident of a destination, or of the whole stream, if it is about what has no process."""
        return next((one for one in self._all if one.rootless and one.destination == destination), None)

    def _at_the_encoder(self) -> OpenIncident | None:
        return next((one for one in self._all if one.at_the_encoder), None)

    # --- what is dark ------------------------------------------------------------------------------

    def darken(
        self, incident: OpenIncident, key: ProcessKey, started: float, now: float, *, covered: bool = False
    ) -> None:
        """A process has failed that has not advanced since it `started` to be dark; it may be known to be.

        `covered`: viewers see another source, and no time passes.
        """
        member = incident.members[key]
        if member.follows:
            # How long it keeps the stream dark is seen when its encoder is back.
            member.since = member.since if member.dark else started
            member.noticed = member.noticed if member.dark and member.noticed is not None else now
            member.dark = True
            return
        if not incident.failing:
            incident.noticed, incident.recovery, incident.actor = now, None, None
        member.dark, member.since, member.noticed, member.explained = True, started, now, False
        incident.covered = covered
        if not covered:
            self.start(incident, started)

    def starve(self, incident: OpenIncident, feeds: tuple[ProcessKey, ...], started: float) -> None:
        """Who gets media from what has failed is dark with it, unless it has trouble of its own already."""
        for key in feeds:
            if any(one.is_root(key) for one in self._all):
                continue
            member = incident.members.setdefault(key, Member(follows=True))
            if not member.dark:
                member.dark, member.since, member.noticed = True, started, None

    # --- which belong together ---------------------------------------------------------------------

    def gather(self, incident: OpenIncident) -> Gathered:
        """Bring together what has one root.

        What was found a moment before its own root; and destinations that are dark for the same reason.
        What has been counted stays as it is.
        """
        if incident.at_the_encoder:
            began = incident.clock.since
            found = [one for one in self._all if one is not incident and _followed(one, began)]
            return Gathered(incident, incident, self._take_in(incident, found, follows=True))
        like = [one for one in self._all if one is incident or one.is_one_with(incident)]
        oldest = min(like, key=lambda one: (not one.settled, one.opened_now))
        parts = [one for one in like if one is not oldest and not one.settled]
        if parts:
            oldest.destination = ""
        goes_on = oldest if incident in parts else incident
        return Gathered(goes_on, oldest, self._take_in(oldest, parts, follows=False))

    def _take_in(self, incident: OpenIncident, parts: list[OpenIncident], *, follows: bool) -> list[OpenIncident]:
        for part in parts:
            self.remove(part)
            since = part.clock.since
            self.stop(part, since or 0.0)
            incident.take_in(part, follows=follows)
            if since is not None:
                self.start(incident, since)
        return parts

    # --- whose clock runs --------------------------------------------------------------------------

    def start(self, incident: OpenIncident, at: float) -> None:
        """It is dark from some time on. While the encoder's clock runs no other does: each second is entered once."""
        root = self._at_the_encoder()
        if root and incident is not root:
            if root.clock.since is not None:
                incident.held = True
                return
            at = max(at, root.clock.until)
        incident.clock.start(at)
        if incident is root:
            for other in self._all:
                if other is not incident and other.clock.since is not None:
                    other.clock.stop(at)
                    other.held = True

    def stop(self, incident: OpenIncident, at: float) -> None:
        """It is not dark any more."""
        incident.held = False
        incident.clock.stop(at)
        if incident.at_the_encoder:
            for other in [one for one in self._all if one.held]:
                other.held = False
                other.clock.start(at)

    def lighten(self, incident: OpenIncident, now: float) -> None:
        """Media advances again."""
        if incident.recovery is None:
            incident.recovery = round(max(0.0, now - incident.noticed), 3)
        self.stop(incident, now)

    def keep_time(self, incident: OpenIncident, now: float, *, off_air: bool, feeding: int = 0) -> None:
        """The encoder is back, and perhaps not yet all that send on what it makes: as long as that shows it is dark.

        While it is not, viewers may be given another encoder's media: then nothing is dark, either.
        """
        if incident.failing:
            covered = not off_air and incident.is_covered(feeding)
            if covered and not incident.covered:
                self.stop(incident, now)
            elif incident.covered and not covered:
                self.start(incident, now)
            incident.covered = covered
            return
        incident.covered = False
        if incident.waiting and off_air:
            if incident.clock.since is None:
                self.start(incident, min(member.since for member in incident.waiting))
                incident.recovery = None
        elif incident.clock.since is not None or incident.held:
            self.lighten(incident, now)


def _followed(one: OpenIncident, began: float | None) -> bool:
    """Whether it began after that which explains it."""
    return began is not None and not one.settled and one.failing and one.dark_since() >= began - _AT_ONCE
