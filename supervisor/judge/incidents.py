"""The book of incidents: from a first failure until media has flowed again for long enough. Pure; times are passed in.

How long that is, its cause decides (`model/thresholds.py`): 30 s, as a rule.

An incident is about a root: the encoder (or the command), and with it all that gets its media from there; or one
destination; or several that are cut off by the same line. What follows from the root is a finding of its incident and
not an incident, and each dark second of a stream's is entered once. What is planned opens none: a stop closes what is
open, a replacement is a remedy like any other.

What has no process (a black picture, an ended broadcast, a full disk) is complained of, by its subject. It shares the
incident of the process that belongs to the same stream or destination, whichever was first. Nothing is dark for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

from supervisor.judge import findings
from supervisor.judge.all_open import AllOpen
from supervisor.judge.entries import OWN_SOURCE, Complaint, Failed, Feeding, News, Turn
from supervisor.judge.incident import Member, OpenIncident
from supervisor.judge.later_evidence import SETTLES, correct
from supervisor.judge.past import Past
from supervisor.judge.tally import ACTION_OF_ROLE, Tally
from supervisor.model.incidents import ActionTaken, Incident
from supervisor.model.subjects import Subject
from supervisor.model.terms import Action, Cause, Layer, ProcessKey, Remedy, Result, Segment
from supervisor.model.thresholds import closes_after


class Book:
    """All incidents of all streams. `now` is monotonic, `wall` the time of day, both in seconds."""

    def __init__(self, maintained: Callable[[str], bool] = lambda _: False) -> None:
        """`maintained` tells whether a stream is under maintenance: what fails then is entered, and does not count."""
        self._maintained = maintained
        self.tally = Tally()
        self.open = AllOpen()
        self._past = Past()
        self._looked = 0.0  # when somebody last did (monotonic)
        self._news: list[News] = []
        self._numbers = count(1)

    # --- what happens ------------------------------------------------------------------------------

    def fail(self, failed: Failed, *, now: float, wall: float) -> None:
        """A process has failed."""
        key, started = failed.key, now - (failed.silent or 0.0)
        mine = self.open.of_stream(key.stream)
        incident = mine.for_failure(key, now)
        if incident is None:
            incident = self._begin(failed, now, wall)
        member = incident.join(key)
        self._conclude(incident, Result.FAILED, key)
        if self._is_serious(incident, drill=failed.drill) and not member.follows:
            self._take_seriously(incident)
            incident.demote()
        news = incident.find(failed, wall, consequence=member.follows or (member.dark and member.explained))
        if not member.dark and not member.follows:
            self._detected(incident, failed)
        if not member.dark or member.follows:
            mine.darken(incident, key, started, now, covered=failed.covered)
            mine.starve(incident, failed.feeds, started)
        member.explained = member.explained or failed.cause not in findings.VAGUE
        member.failed, incident.since = True, None
        incident.doubt()
        incident.note_return(now)
        self._tell_found(self._gather(incident, now), failed, now, news=news)

    def complain(self, complaint: Complaint, by: object, *, now: float, wall: float) -> None:
        """Media flows, and yet something is wrong: too slow, too thin, too big; or it is about what has no process.

        Said at every check, `by` somebody.
        """
        about = complaint.subject
        incident = self.open.of_stream(about.stream).for_complaint(about, by, now)
        if incident is None:
            incident = self._begin(complaint, now, wall)
        if key := about.key:
            member = incident.join(key)
            member.failed, follows = True, member.follows
        else:
            follows = about.destination != incident.destination
        incident.standing.add((about, by))
        news = incident.find(complaint, wall, consequence=follows)
        self._tell_found(incident, complaint, now, news=news)

    def praise(self, about: ProcessKey | Subject, by: object) -> None:
        """What somebody complained of is no longer so."""
        subject = about if isinstance(about, Subject) else Subject.of(about)
        for incident in self.open.those_of(subject.stream):
            if (subject, by) in incident.standing:
                incident.standing.discard((subject, by))
                incident.since = None
                self._mended(incident, subject)

    def act(self, key: ProcessKey, layer: Layer, action: Action, *, now: float, wall: float) -> None:
        """Somebody does something about it."""
        self.tally.attempt(key, layer, action)
        if incident := self.open.of(key):
            self._acted(incident, key, ActionTaken(wall, layer, action, None))
            if not incident.members[key].dark:  # media flowed until this moment
                self.open.of_stream(key.stream).darken(incident, key, now, now)
                incident.actor = layer
                incident.note_return(now)

    def asked(self, about: Subject, layer: Layer, action: Action | Remedy, *, helped: bool, wall: float) -> None:
        """Somebody else was asked to do something about what has no process; `helped`: he did, and it is to be seen."""
        for incident in self.open.those_of(about.stream):
            if any(subject == about for subject, _ in incident.standing):
                incident.act(about, ActionTaken(wall, layer, action, None if helped else Result.FAILED))

    def replaced(self, key: ProcessKey, *, wall: float) -> None:
        """Somebody replaces a process on purpose. If it has failed that may be the remedy, which is to be seen."""
        if incident := self.open.of(key):
            self._acted(incident, key, ActionTaken(wall, Layer.OPERATOR, ACTION_OF_ROLE[key.role], None))
            incident.since = None

    def advanced(self, key: ProcessKey, *, now: float) -> None:
        """A process makes progress again."""
        if incident := self.open.of(key):
            self._shine(incident, key, now)

    def learn(self, key: ProcessKey, segment: Segment, cause: Cause | None = None, *, said: str | None = None) -> None:
        """More evidence has come in; it counts until a darkness is settled, but for words that tell more."""
        if incident := self.open.of(key):
            correct(incident, key, segment, cause, said, self._looked)
            self._gather(incident, max(self._looked, incident.noticed))

    def planned(self, keys: Iterable[ProcessKey], *, now: float, wall: float) -> None:
        """Somebody ends these on purpose: an incident whose roots all end is over."""
        for key in keys:
            for incident in self.open.those_of(key.stream):
                incident.hush(key)
                if key not in incident.members:
                    continue
                others = (member for other, member in incident.members.items() if other != key)
                if incident.is_root(key) and all(member.follows for member in others) and not incident.inherits(key):
                    self._close(incident, Result.SUPERSEDED, now, wall)
                    continue
                self._conclude(incident, Result.SUPERSEDED, key)
                del incident.members[key]
                self.open.of_stream(key.stream).keep_time(incident, now, off_air=False)
            if alone := self.open.of_stream(key.stream).without_process(key.destination):
                self._close(alone, Result.SUPERSEDED, now, wall)

    def forget(self, stream: str) -> None:
        """The stream is no longer configured; its past stays readable."""
        self.tally.forget(stream)
        self.open.forget(stream)

    def look(
        self,
        proof: Callable[[ProcessKey], float | None],
        drilling: Callable[[str], bool],
        off_air: Callable[[str], bool],
        feeding: Callable[[str], Feeding] = lambda _: OWN_SOURCE,
        *,
        now: float,
        wall: float,
    ) -> None:
        """Called every second: closes what has advanced for long enough.

        `proof` tells when a process that advances has last shown it (monotonic), None for one that does not. What it
        has shown before its failure was noticed proves nothing. What is still dark when the `drilling` of its stream is
        over is no drill any more. Whoever waits for media keeps a stream dark as long as it is `off_air`. While viewers
        are given a fallback's media (`feeding`) because the source had failed, its incident stays open.
        """
        self._looked = now
        for mine in self.open.streams():
            for incident in mine:
                if incident in mine:  # it may have become a part of one before it
                    self._look_at(incident, proof, now, wall, drill=drilling(incident.stream))
                    fed = feeding(incident.stream)
                    mine.keep_time(incident, now, off_air=off_air(incident.stream), feeding=fed.rung)
                    if not fed.by_order and incident.is_replaced(fed.rung):
                        incident.since = None
                    if incident.since is not None and now - incident.since >= closes_after(incident.named_after.cause):
                        self._close(incident, Result.RECOVERED, now, wall)

    def news(self) -> list[News]:
        """What there is to tell since the last time."""
        news, self._news = self._news, []
        return news

    # --- what it shows -----------------------------------------------------------------------------

    def incidents(self, stream: str | None, now: float) -> tuple[Incident, ...]:
        """Newest first, of one stream or of all; those that are open with the darkness so far."""
        every = [*(incident.show(now) for incident in self.open.every()), *self._past.closed]
        mine = [incident for incident in every if stream is None or incident.stream == stream]
        return tuple(sorted(mine, key=lambda incident: incident.opened, reverse=True))

    def incident(self, identity: str, now: float) -> Incident | None:
        """One that is open or remembered; of one that has become a part of another that other one."""
        identity = self._past.whole_of(identity)
        found = next((incident for incident in self.open.every() if incident.id == identity), None)
        return found.show(now) if found else self._past.find(identity)

    def whole_of(self, identity: str) -> str:
        """The id under which an incident goes on: its own, as a rule."""
        return self._past.whole_of(identity)

    # --- book-keeping ------------------------------------------------------------------------------

    def _begin(self, what: Failed | Complaint, now: float, wall: float) -> OpenIncident:
        about = what.subject
        identity = f"{about.stream or about}-{int(wall * 1000)}-{next(self._numbers)}"
        members = {about.key: Member()} if about.key else {}
        incident = OpenIncident(
            identity, about.stream, about.destination, wall, now, what.drill, noticed=now, members=members
        )
        incident.maintained = self._maintained(about.stream)
        self.open.of_stream(about.stream).add(incident)
        return incident

    def _gather(self, incident: OpenIncident, now: float) -> OpenIncident:
        """Bring together what belongs together. Returns the incident that goes on."""
        incident, whole, parts = self.open.of_stream(incident.stream).gather(incident)
        for part in [one for one in parts if one.told]:
            self._news.append(News(Turn.JOINED, whole.show(now), part.named_after, part.show(part.noticed)))
            self._past.join(part.id, whole.id)
        return incident

    def _tell_found(self, incident: OpenIncident, what: Failed | Complaint, now: float, *, news: bool) -> None:
        finding = incident.found(what.subject)
        if finding and (news or not incident.told):
            self._news.append(News(Turn.FOUND if incident.told else Turn.OPENED, incident.show(now), finding))
        incident.told = True

    def _detected(self, incident: OpenIncident, failed: Failed) -> None:
        if failed.silent is not None:
            incident.detection = round(failed.silent, 3)
            self.tally.detected(failed.key, failed.layer, failed.silent)

    def _mended(self, incident: OpenIncident, subject: Subject) -> None:
        """Nobody complains of it any more: what was asked for has helped."""
        if any(about == subject for about, _ in incident.standing):
            return
        if incident.conclude(Result.RECOVERED, subject) and not incident.failing:
            incident.recovery = round(max(0.0, self._looked - incident.noticed), 3)

    def _acted(self, incident: OpenIncident, key: ProcessKey, taken: ActionTaken) -> None:
        self._conclude(incident, Result.SUPERSEDED, key)
        incident.act(key, taken)

    def _conclude(self, incident: OpenIncident, result: Result, key: ProcessKey | None = None) -> None:
        for layer in incident.conclude(result, key):
            self.tally.result(incident.stream, layer, result)

    def _look_at(
        self,
        incident: OpenIncident,
        proof: Callable[[ProcessKey], float | None],
        now: float,
        wall: float,
        *,
        drill: bool,
    ) -> None:
        if now - incident.opened_now >= SETTLES:
            self._settle(incident)
        if incident.failing and self._is_serious(incident, drill=drill):
            self._take_seriously(incident)
        flows = True
        for key, member in tuple(incident.members.items()):
            shown = proof(key)
            stale = member.dark and member.noticed is not None and shown is not None and shown < member.noticed
            if shown is not None and not stale:
                self._shine(incident, key, now)
            elif incident.is_late(key, now):
                self._let_go(incident, key, now, wall, drill=drill)
            else:
                flows = False
        if not flows or incident.standing or incident.waiting:
            incident.since = None
        elif incident.since is None:
            incident.since = now

    def _shine(self, incident: OpenIncident, key: ProcessKey, now: float) -> None:
        """A process advances; one that gets its media from another may only be sending what was left."""
        member = incident.members[key]
        if not member.dark or (member.follows and incident.failing):
            return
        if member.noticed is not None:
            layer = incident.actor or incident.named_after.layer
            self.tally.recovered(key, layer, round(max(0.0, now - member.noticed), 3))
        member.dark, member.noticed = False, None
        self._settle(incident)
        incident.note_return(now)
        if not (incident.failing or (member.follows and incident.waiting)):
            self.open.of_stream(incident.stream).lighten(incident, now)
            incident.since = now

    def _let_go(self, incident: OpenIncident, key: ProcessKey, now: float, wall: float, *, drill: bool) -> None:
        """What it waited for has been back for long: what is wrong there now is something else."""
        self._conclude(incident, Result.FAILED, key)
        member, finding = incident.members.pop(key), incident.found(Subject.of(key))
        if member.dark and finding:
            failed = Failed(key, finding.cause, finding.segment, None, finding.layer, drill, said=finding.said)
            self.fail(failed, now=now, wall=wall)

    def _is_serious(self, incident: OpenIncident, *, drill: bool) -> bool:
        """Whether it was excused, and is not any more."""
        return (incident.drill and not drill) or (incident.maintained and not self._maintained(incident.stream))

    def _take_seriously(self, incident: OpenIncident) -> None:
        """It began as a drill or under maintenance, and lasts: it counts."""
        incident.drill = incident.maintained = incident.settled = False

    def _settle(self, incident: OpenIncident) -> None:
        if not incident.settled:
            incident.settled = True
            if not incident.excused:
                self.tally.incident(incident.stream, incident.named_after.segment)

    def _close(self, incident: OpenIncident, result: Result, now: float, wall: float) -> None:
        mine = self.open.of_stream(incident.stream)
        self._settle(incident)
        self._conclude(incident, result)
        mine.stop(incident, now)
        mine.remove(incident)
        closed = incident.show(now, closed=wall)
        self._past.closed.append(closed)
        self._news.append(News(Turn.CLOSED, closed, incident.named_after))
