"""All destinations of one login: they are looked at together, and what their plans say is done. Blocks.

It runs in a thread of its own, one round at a time. What the loop has to do (a pusher, an encoder is to be replaced) is
returned, never done from here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

from pydantic import SecretStr

from supervisor.platforms.youtube.addresses import another
from supervisor.platforms.youtube.client import Channel, NewBroadcast
from supervisor.platforms.youtube.desk import Desk, Place, Silence
from supervisor.platforms.youtube.errors import Kind, Unsure, YoutubeError
from supervisor.platforms.youtube.fresh import Fresh
from supervisor.platforms.youtube.ledger import KEPT
from supervisor.platforms.youtube.model import Broadcast, LiveStream
from supervisor.platforms.youtube.quota import Use
from supervisor.platforms.youtube.steps import Act, Refused, Sight, Step, Trouble

FULL_EVERY: Final = 900.0  # seconds between two looks at all broadcasts: a long history costs a unit for each fifty
_A_PAGE: Final = 50
_SOON: Final = 60.0
_BLIND: Final = 1800.0  # an ended broadcast is found after so long, also when the units for polling are spent
_LONGEST: Final = 3600.0
_NEEDS_NO_REPAIR: Final = frozenset(
    {
        *(Trouble.NONE, Trouble.NOT_SENDING, Trouble.NOT_MANAGED, Trouble.NOT_OURS, Trouble.SEVERAL, Trouble.UNHEALTHY),
        *(Trouble.WRONG_KEY, Trouble.NO_STREAM, Trouble.WRONG_CHANNEL),
    }
)
_WAITS_LONGER: Final = frozenset({Kind.RATE, Kind.SERVER, Kind.NETWORK, Kind.UNREADABLE, Kind.PERMISSION, Kind.REQUEST})
_REFUSED: Final[Mapping[Kind, Refused]] = {
    Kind.STREAM_INACTIVE: Refused.STREAM_INACTIVE,
    Kind.TRANSITION: Refused.INVALID,
    Kind.STATE: Refused.INVALID,
    Kind.NOT_FOUND: Refused.INVALID,
    Kind.REQUEST: Refused.INVALID,
    Kind.REDUNDANT: Refused.NO,
    Kind.LIMIT: Refused.LIMIT,
    Kind.INSERTS: Refused.NO_MORE_INSERTS,
    Kind.PERMISSION: Refused.NOT_PERMITTED,
}


class Api(Protocol):
    """What is asked of YouTube, as `client.Client` does. All of it raises `YoutubeError`."""

    def broadcasts(self, ids: Collection[str] | None = None, *, use: Use = Use.POLL) -> tuple[Broadcast, ...]:
        """Those of these ids that there are, or all."""
        ...

    def streams(self, ids: Collection[str], *, use: Use = Use.POLL) -> tuple[LiveStream, ...]:
        """Those of these ids that there are."""
        ...

    def stream_key_matches(self, stream_id: str, key: str, *, use: Use = Use.REPAIR) -> bool | None:
        """Whether this key leads to the stream; None: it does not say."""
        ...

    def backup_address(self, stream_id: str, *, use: Use = Use.REPAIR) -> str | None:
        """Where its backup is sent to, without the key; None: it has none."""
        ...

    def ingest_addresses(self, stream_id: str, *, use: Use = Use.REPAIR) -> tuple[str, ...]:
        """All to which it may be sent, without the key."""
        ...

    def channel(self, *, use: Use = Use.POLL) -> Channel | None:
        """That of the login; None: it has none."""
        ...

    def insert(self, new: NewBroadcast, *, use: Use = Use.REPAIR) -> Broadcast:
        """Make one."""
        ...

    def bind(self, broadcast: str, stream: str, *, use: Use = Use.REPAIR) -> Broadcast:
        """Let its viewers see this stream."""
        ...

    def transition(
        self, broadcast: str, to: Literal["testing", "live", "complete"], *, use: Use = Use.REPAIR
    ) -> Broadcast | None:
        """Ask for another state; None: it has it, or is on its way."""
        ...

    def delete(self, broadcast: str, *, use: Use = Use.REPAIR) -> None:
        """Delete one that is not on air."""
        ...

    def set_thumbnail(self, broadcast: str, picture: Path, *, use: Use = Use.REPAIR) -> None:
        """Give it a picture. Raises OSError, ValueError for one that is not there, or that YouTube would refuse."""
        ...


class Budget(Protocol):
    """What may be spent; see `ledger.Ledger`."""

    def stretched(self, every: float, units: int) -> float:
        """Seconds to the next look, so that the day's rest suffices."""
        ...


class Order(NamedTuple):
    """What the loop is to do for a destination."""

    place: Place
    act: Act
    trouble: Trouble
    address: str = ""  # of an ingest


class Done(NamedTuple):
    """A step that YouTube was asked for, and what became of it; for the journal and the counts."""

    place: Place
    step: Step
    why: Refused
    reason: str = ""  # YouTube's own word
    broadcast: str = ""


class _Found(NamedTuple):
    """What was read. `whole`: all broadcasts of the channel are there."""

    streams: Mapping[str, LiveStream]
    broadcasts: tuple[Broadcast, ...]
    whole: bool


class Account:
    """One login. `look` is to be called when it is due, in one thread at a time.

    `draft` makes the broadcast that a destination wants, with a marker in its description; `marker` a new marker.
    """

    def __init__(
        self,
        api: Api,
        budget: Budget,
        now: Callable[[], float],
        wall: Callable[[], float],
        draft: Callable[[Place, str], NewBroadcast],
        marker: Callable[[], str],
    ) -> None:
        self.desks: list[Desk] = []
        self.error: Kind | None = None  # of the latest look
        self.unread: YoutubeError | None = None  # why nothing could be read by it
        self.silence = Silence()
        self.keys: Mapping[Place, SecretStr] = {}  # what is sent with
        self.addresses: Mapping[Place, str] = {}  # where it is sent to, of those that may be sent elsewhere
        self.channel = ""  # of the login, where it has told
        self._done: list[Done] = []
        self._api = api
        self._budget = budget
        self._now = now
        self._wall = wall
        self._draft = draft
        self._marker = marker
        self._fresh = Fresh()
        self._failures = 0  # looks in a row
        self._not_before = float("-inf")
        self._full_at = self._read_at = float("-inf")
        self._is_long = False  # the list of all broadcasts: more than a page, so that it costs more than a few by id

    @property
    def due(self) -> float:
        """When to look next (monotonic)."""
        return max(self._not_before, min((desk.due for desk in self.desks), default=float("inf")))

    def hurry(self) -> None:
        """What kept it from asking is over: look at once."""
        self._not_before = float("-inf")
        for desk in self.desks:
            desk.due = min(desk.due, self._now())

    def look(self, sends: Mapping[Place, bool]) -> Sequence[Order]:
        """Look at what is due, and do what follows. `sends`: whose media the ingest acknowledges."""
        now = self._now()
        if now < self.due:
            return ()
        # Those that are due soon are asked about along with it: a look at all costs as much as a look at one.
        due = [desk for desk in self.desks if desk.due <= now + desk.policy.poll / 2]
        found = self._read(due, now)
        self._tell_the_others(found, due, sends, now)
        orders = []
        for desk in due:
            step = self._plan(desk, found, now, sends=sends.get(desk.place, False))
            if step.act is Act.INSERT and found and not found.whole:
                # What makes a new one needless, somebody else's above all, is in no look at ours alone.
                found = self._read(due, now, whole=True)
                step = self._plan(desk, found, now, sends=sends.get(desk.place, False))
            wait = step.seconds
            if step.act is Act.INSERT and not self._intends(desk, step):
                wait = desk.policy.poll
            elif step.act.writes:
                self._write(desk, step)
            elif step.act is Act.COMPARE_KEY:
                desk.planner.delivery.compared(matches=self._key_matches(desk))
            elif step.act is not Act.LOOK:
                address = self._other_address(desk) if step.act is Act.OTHER_ADDRESS else ""
                act = step.act if address or step.act is not Act.OTHER_ADDRESS else Act.RESTART_PUSHER
                orders.append(Order(desk.place, act, step.trouble, address))
            elif wait >= desk.policy.poll:
                wait = max(wait, min(self._budget.stretched(wait, 2), _BLIND))
                if step.trouble is Trouble.NONE:
                    self._give_picture(desk)
            desk.due = now + wait
        return orders

    def _plan(self, desk: Desk, found: _Found | None, now: float, *, sends: bool) -> Step:
        stream = found.streams.get(desk.policy.stream_id) if found else None
        made = frozenset(one for other in self.desks for one in other.planner.memory.made)
        refused = self.unread.reason if self.unread and self.unread.kind is Kind.PERMISSION else ""
        sight = Sight(sends, stream, found.broadcasts if found else None, made, self.channel, refused)
        return desk.plan(sight, now, self._wall())

    def _tell_the_others(
        self, found: _Found | None, due: Sequence[Desk], sends: Mapping[Place, bool], now: float
    ) -> None:
        """What keeps us from asking about those that are due keeps us from asking about all."""
        for desk in self.desks:
            if found is None and desk not in due:
                self._plan(desk, None, now, sends=sends.get(desk.place, False))

    def take_done(self) -> Sequence[Done]:
        """What YouTube was asked for since the last time."""
        done, self._done = self._done, []
        return done

    # --- reading -----------------------------------------------------------------------------------

    def _read(self, due: Sequence[Desk], now: float, *, whole: bool = False) -> _Found | None:
        """What is due, and the broadcasts that it needs; None: it cannot be had now."""
        troubled = any(desk.standing.trouble not in _NEEDS_NO_REPAIR and desk.standing.at for desk in due)
        use = Use.REPAIR if troubled or now - self._read_at >= _BLIND else Use.POLL
        ids = {one for desk in due for one in desk.ids}
        try:
            streams = {one.id: one for one in self._api.streams({desk.policy.stream_id for desk in due}, use=use)}
            quick = bool(ids) and not whole and self._is_long and now - self._full_at < FULL_EVERY
            broadcasts = self._fresh.beside(self._api.broadcasts(ids, use=use), now) if quick else ()
            if not broadcasts or not all(desk.suffices(broadcasts) for desk in due):
                self._full_at, quick = now, False
                broadcasts = self._fresh.beside(self._api.broadcasts(use=use), now)
                self._is_long = len(broadcasts) > _A_PAGE
        except YoutubeError as error:
            self._failed(error, now)
            self._unanswered(error, now)
            return None
        self.error, self._failures, self._read_at = None, 0, now
        self.unread = self.silence.since = None
        return _Found(streams, broadcasts, whole=not quick)

    def _unanswered(self, error: YoutubeError, now: float) -> None:
        self.unread = error
        if error.kind is Kind.PERMISSION and error.reason:
            self.silence.since = None  # that is an answer
        elif error.reason != KEPT and self.silence.since is None:  # else it was our own wish not to ask
            self.silence.since = now

    def _failed(self, error: YoutubeError, now: float) -> None:
        """The encoders go on; when to ask again depends on why it could not be asked."""
        self.error = error.kind
        self._failures += 1
        wait = _SOON
        if error.kind is Kind.QUOTA:
            wait = min(self._budget.stretched(_SOON, 2), _BLIND)  # the ledger lets nothing out before there are units
        elif error.kind in _WAITS_LONGER:
            wait = min(_SOON * 2 ** (self._failures - 1), _LONGEST)
            if error.kind in {Kind.SERVER, Kind.NETWORK, Kind.UNREADABLE}:
                wait = min(wait / 4, 300.0)
        self._not_before = now + max(wait, error.retry_after or 0.0)

    def _key_matches(self, desk: Desk) -> bool | None:
        if not (key := self.keys.get(desk.place)):
            return None
        try:
            return self._api.stream_key_matches(desk.policy.stream_id, key.get_secret_value())
        except YoutubeError:
            return None  # the next look says how it is with YouTube

    def _other_address(self, desk: Desk) -> str:
        """Where else the stream may be sent to; empty: YouTube tells of none that would do."""
        told: tuple[str, ...] = ()
        with contextlib.suppress(YoutubeError):
            told = self._api.ingest_addresses(desk.policy.stream_id)
        return another(self.addresses.get(desk.place, ""), told)

    # --- writing -----------------------------------------------------------------------------------

    def _intends(self, desk: Desk, step: Step) -> bool:
        """Keep what is about to be made. False: it cannot be, and asked for without a trace it could be made twice."""
        before = desk.planner.memory
        desk.planner.intend(self._marker(), self._wall(), rotation=step.rotation)
        if not desk.keep():
            desk.planner.memory = before
            desk.said = "a new broadcast is needed, and is not made: the data_dir cannot be written"
            return False
        return True

    def _write(self, desk: Desk, step: Step) -> None:
        """Ask for it once. What becomes of it, the next look tells."""
        planner, made, reason = desk.planner, step.broadcast, ""
        use = Use.ROTATION if step.rotation else Use.REPAIR
        answer: Broadcast | None = None
        try:
            match step.act:
                case Act.INSERT:
                    assert planner.memory.intent
                    answer = self._api.insert(self._draft(desk.place, planner.memory.intent.marker), use=use)
                    made = answer.id
                    planner.inserted(made)
                    desk.tally.inserts += 1
                    desk.without_picture = made if desk.policy.picture else ""
                case Act.BIND:
                    answer = self._api.bind(step.broadcast, desk.policy.stream_id, use=use)
                case Act.TRANSITION:
                    assert step.to is not None
                    answer = self._api.transition(step.broadcast, step.to, use=use)
                case Act.DELETE:
                    self._api.delete(step.broadcast, use=use)
                    self._fresh.forget(step.broadcast)
            if answer:
                self._fresh.answered(answer, self._now())
            why = Refused.NO
        except Unsure as error:
            why, reason = Refused.UNSURE, error.reason
        except YoutubeError as error:
            why, reason = _REFUSED.get(error.kind, Refused.LATER), error.reason
            if why is Refused.LATER and step.rotation and error.kind is Kind.QUOTA:
                why = Refused.LIMIT  # what is left is for repairs; looks go on
            elif why is Refused.LATER:
                self._failed(error, self._now())
        planner.answered(step, why, self._now())
        desk.refused(step, why, reason)
        desk.keep()
        self._done.append(Done(desk.place, step, why, reason, made))

    def _give_picture(self, desk: Desk) -> None:
        """Once for each that was made, when viewers have it: nothing waits for a picture, or fails for want of one."""
        one, picture = desk.without_picture, desk.policy.picture
        if not picture or not one or one != desk.planner.memory.current:
            return
        desk.without_picture = ""
        why, reason = Refused.NO, ""
        try:
            self._api.set_thumbnail(one, picture, use=Use.ROTATION)
        except YoutubeError as error:
            why, reason = _REFUSED.get(error.kind, Refused.LATER), error.reason
        except (OSError, ValueError):
            why, reason = Refused.INVALID, "unusable_picture"
        self._done.append(Done(desk.place, Step(Act.THUMBNAIL, broadcast=one), why, reason, one))
