"""One incident while it is open: what it is about, how long it has been dark, what was found and done. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from supervisor.judge import findings
from supervisor.judge.entries import Complaint, Failed
from supervisor.judge.stopwatch import Stopwatch
from supervisor.model.content import DEFECTS
from supervisor.model.incidents import ActionTaken, Finding, Incident
from supervisor.model.subjects import Subject
from supervisor.model.terms import Cause, Layer, ProcessKey, Result, Role, Segment

GRACE = 60.0
_MOST_ACTIONS = 50
# A line is one for all that is sent over it: what breaks there breaks for several destinations at once.
_SHARED = frozenset({Segment.NETWORK, Segment.UPLINK})
_TOGETHER = 5.0


@dataclass(slots=True)
class Member:
    """A process that an incident is about; one that `follows` gets its media from another member."""

    follows: bool = False
    dark: bool = False
    since: float = 0.0  # from when on it was dark (monotonic)
    noticed: float | None = None  # when it failed in this darkness; None: it only lacks media
    explained: bool = False  # it is known why this darkness began
    failed: bool = False  # ever, in this incident
    failed_of: Cause | None = None  # what it had failed of, when our line turned out to be down


@dataclass(slots=True, eq=False)
class OpenIncident:
    """`destination` is empty for what concerns the whole stream: its encoder or command, or several destinations.

    One that began with what has no process has no root among its members until a process fails that belongs there.
    """

    id: str
    stream: str
    destination: str
    opened: float  # wall clock
    opened_now: float
    drill: bool
    noticed: float  # the failure that began the latest darkness
    members: dict[ProcessKey, Member] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    clock: Stopwatch = field(default_factory=Stopwatch)
    held: bool = False  # its clock stands because the whole stream's runs
    covered: bool = False  # its clock stands because viewers see another source
    back: float | None = None  # since when that which the others wait for flows again
    detection: float | None = None
    recovery: float | None = None
    since: float | None = None  # since when all has advanced without a break
    # About what somebody says that something is wrong although media flows.
    standing: set[tuple[Subject, object]] = field(default_factory=set)
    settled: bool = False
    maintained: bool = False  # it began under maintenance, which lasts
    told: bool = False  # somebody knows its id
    actor: Layer | None = None  # who acted last
    actions: list[tuple[ProcessKey | Subject, ActionTaken]] = field(default_factory=list)

    # --- what it is about --------------------------------------------------------------------------

    @property
    def named_after(self) -> Finding:
        """The finding that is gravest and nearest to the root."""
        return findings.headline(self.findings)

    @property
    def excused(self) -> Literal["drill", "maintenance"] | None:
        """Why it does not count."""
        return "drill" if self.drill else "maintenance" if self.maintained else None

    @property
    def at_the_encoder(self) -> bool:
        """It began where all of the stream's media comes from."""
        return any(key.role is not Role.PUSHER for key in self.members) or (self.rootless and not self.destination)

    @property
    def rootless(self) -> bool:
        """No process has failed by itself: it is about what has no process."""
        return all(member.follows for member in self.members.values())

    @property
    def failing(self) -> bool:
        """A process that failed by itself is dark."""
        return any(member.dark and not member.follows for member in self.members.values())

    @property
    def waiting(self) -> list[Member]:
        """Those that are still dark because of another one."""
        return [member for member in self.members.values() if member.dark and member.follows]

    def is_root(self, key: ProcessKey) -> bool:
        """Whether this process failed by itself."""
        member = self.members.get(key)
        return member is not None and not member.follows

    def is_covered(self, feeding: int) -> bool:
        """What has failed by itself is encoders, and viewers are given another one's media."""
        dark = [key for key, member in self.members.items() if member.dark and not member.follows]
        return bool(dark) and all(key.role is Role.ENCODER and key.rung != feeding for key in dark)

    def is_replaced(self, feeding: int) -> bool:
        """An encoder has failed, or showed what nobody should see, and viewers are still given what stands below it."""
        failed = (key for key, member in self.members.items() if member.failed)
        if any(key.role is Role.ENCODER and key.rung < feeding for key in failed):
            return True
        return bool(feeding) and any(finding.cause in DEFECTS for finding in self.findings)

    def dark_since(self) -> float:
        """From when on the first of those that failed by themselves was dark."""
        return min(member.since for member in self.members.values() if member.dark and not member.follows)

    def is_one_with(self, other: OpenIncident) -> bool:
        """Whether destinations are dark for the same reason: their line, or the same thing at the same time.

        None of them gets through, or it would be another reason.
        """
        both = (self, other)
        if any(one.at_the_encoder or not one.failing or one.back is not None for one in both):
            return False
        mine, theirs = (one.named_after.segment for one in both)
        together = mine is theirs and abs(self.dark_since() - other.dark_since()) <= _TOGETHER
        return self.excused == other.excused and (together or {mine, theirs} <= _SHARED)

    def has(self, key: ProcessKey) -> bool:
        """Whether this process has failed in it, or is dark because of it."""
        member = self.members.get(key)
        return member is not None and (not member.follows or member.dark or member.failed)

    def found(self, subject: Subject) -> Finding | None:
        """The latest finding about something."""
        return next((one for one in reversed(self.findings) if one.concerns(subject)), None)

    def inherits(self, gone: ProcessKey) -> bool:
        """A fallback's encoder that was the root is not needed any more: another encoder that has failed is the root.

        Returns whether there is one.
        """
        members = self.members.items() if gone.rung else ()
        heir = next((one for key, one in members if key != gone and key.role is gone.role and one.failed), None)
        if heir:
            heir.follows = False
        return heir is not None

    def is_late(self, key: ProcessKey, now: float) -> bool:
        """Whether what a destination waited for has been back for so long that it has trouble of its own."""
        whole = not self.destination and key.role is Role.PUSHER
        return whole and self.back is not None and now - self.back > GRACE

    # --- what becomes of it ------------------------------------------------------------------------

    def join(self, key: ProcessKey) -> Member:
        """A process has a part in it: if nobody is its root, and it belongs in the same place, it is one."""
        is_root = self.rootless and key.destination == self.destination
        return self.members.setdefault(key, Member(follows=not is_root))

    def note_return(self, now: float) -> None:
        """Keep `back`: an encoder is waited for, and on a shared line the first one to get through."""
        dark = self.failing if self.at_the_encoder else all(member.dark for member in self.members.values())
        if dark:
            self.back = None
        elif self.back is None:
            self.back = now

    def find(self, what: Failed | Complaint, wall: float, *, consequence: bool) -> bool:
        """Enter what was found. Returns whether it is news."""
        about = what.subject
        found = Finding(
            wall,
            what.cause,
            what.segment,
            about.role,
            about.destination or None,
            what.layer,
            consequence=consequence,
            said=what.said,
        )
        return findings.add(self.findings, found)

    def hush(self, key: ProcessKey) -> None:
        """A process ends on purpose: nobody will take back what was said of it, or of its destination or stream."""
        place = {Subject.of(key), Subject(key.stream, key.destination)}
        self.standing = {(about, by) for about, by in self.standing if about not in place}

    def doubt(self) -> None:
        """A process fails: what was said is said again if it is still so, but for what a platform says, once."""
        self.standing = {(about, by) for about, by in self.standing if about.key is None and about.destination}

    def demote(self) -> None:
        """What was found so far is not what it is about."""
        self.findings = [one._replace(consequence=True) for one in self.findings]
        for member in self.members.values():
            member.explained = False

    def take_in(self, other: OpenIncident, *, follows: bool) -> None:
        """Another incident has turned out to be a part of this one."""
        if other.told and not self.told:  # what was told goes on under its name
            self.id, self.opened, self.opened_now = other.id, other.opened, other.opened_now
            self.told, other.told = True, False
        for key, member in other.members.items():
            member.follows, member.failed = follows, True
            self.members[key] = member
        for one in other.findings:
            findings.add(self.findings, one._replace(consequence=one.consequence or follows))
        self.actions = sorted([*self.actions, *other.actions], key=lambda pair: pair[1].at)
        self.standing |= other.standing

    def act(self, about: ProcessKey | Subject, taken: ActionTaken) -> None:
        """Enter an action."""
        self.actions.append((about, taken))
        if len(self.actions) > _MOST_ACTIONS:  # a camera that is dead for a month: how it began, and the latest
            del self.actions[_MOST_ACTIONS // 2]
        if isinstance(about, ProcessKey):
            self.actor = taken.layer

    def conclude(self, result: Result, of: ProcessKey | Subject | None = None) -> list[Layer]:
        """Give the actions on one process, or on all, their result. Returns whose they were, if they had none yet."""
        whose = []
        for place, (about, taken) in enumerate(self.actions):
            if taken.result is None and of in {None, about}:
                self.actions[place] = (about, taken._replace(result=result))
                whose.append(taken.layer)
        return whose

    # --- what it shows -----------------------------------------------------------------------------

    def show(self, now: float, closed: float | None = None) -> Incident:
        """As others see it."""
        named = self.named_after
        return Incident(
            id=self.id,
            stream=self.stream,
            destination=self.destination or None,
            opened=self.opened,
            closed=closed,
            cause=named.cause,
            segment=named.segment,
            layer=named.layer,
            drill=self.drill,
            excused=self.excused,
            seconds_dark=round(self.clock.seconds(now), 3),
            detection_seconds=self.detection,
            recovery_seconds=self.recovery,
            actions=tuple(taken for _, taken in self.actions),
            role=named.role,
            findings=tuple(self.findings),
            said=named.said,
        )
