"""One login at YouTube with its destinations, as the platform that neverdark asks. Blocks where it looks.

Its parts are made by whoever makes it: a real client and files, or those of a simulation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from pydantic import SecretStr

from supervisor.config.youtube import AccountSection, PlaceSection, expanded
from supervisor.model.platforms import LoginState, Measure, PlatformState
from supervisor.model.terms import Remedy
from supervisor.platforms.interface import Asked, Deed, Order, Place
from supervisor.platforms.youtube.account import Account, Api, Done
from supervisor.platforms.youtube.backups import Backups
from supervisor.platforms.youtube.client import NewBroadcast
from supervisor.platforms.youtube.desk import Desk, Standing, Tally
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.memory_file import MemoryFile
from supervisor.platforms.youtube.model import (
    Broadcast,
    HealthStatus,
    IssueType,
    LifeCycle,
    Page,
    Privacy,
    StreamStatus,
)
from supervisor.platforms.youtube.opinions import of_broadcast, of_page, of_stream, opinions
from supervisor.platforms.youtube.pages import Pages
from supervisor.platforms.youtube.quota import rotation_units, rotations_today
from supervisor.platforms.youtube.steps import Act, Policy, Refused, Trouble
from supervisor.platforms.youtube.tokens import Tokens

PLATFORM = "youtube"
_STARTS_IN = 10.0  # seconds: a broadcast must not be scheduled for the past
_MOST_ISSUES = 8  # series of a destination
_KNOWN_FOR = 900.0  # seconds for which the latest answer stands in the metrics, where none comes any more
_ACTIONS = {
    Act.INSERT: Remedy.NEW_BROADCAST,
    Act.BIND: Remedy.START_BROADCAST,
    Act.TRANSITION: Remedy.START_BROADCAST,
}
_ENDED = frozenset({LifeCycle.COMPLETE, LifeCycle.REVOKED})
_DEEDS = {Act.RESTART_PUSHER: Deed.RESTART_PUSHER, Act.RESTART_ENCODER: Deed.RESTART_ENCODER}


class Parts(NamedTuple):
    """What a login is made of. `tokens` is None where there is nothing but pages."""

    api: Api | None
    ledger: Ledger
    tokens: Tokens | None
    memory: MemoryFile
    ask_page: Callable[[str], Page]
    requests: Counter[tuple[str, str]]  # by method and result
    tallies: dict[Place, Tally] | None = None  # those that outlive this login


class Sent(NamedTuple):
    """What is sent to a destination: with which key, and whether there is sound in it."""

    key: SecretStr | None = None
    sound: bool = True


class Login:
    """Looked at in a thread of its own, one look at a time."""

    def __init__(
        self,
        name: str,
        section: AccountSection | None,
        parts: Parts,
        now: Callable[[], float],
        wall: Callable[[], float],
        marker: Callable[[], str],
    ) -> None:
        self.name = name
        self.section = section
        self._parts = parts
        self._now = now
        self._wall = wall
        self._account = Account(parts.api, parts.ledger, now, wall, self._draft, marker) if parts.api else None
        self._pages = Pages(parts.ask_page, now)
        self.backups: Backups | None = None
        self._tallies = {} if parts.tallies is None else parts.tallies
        self._places: dict[Place, PlaceSection] = {}
        self._shared: dict[Place, Place] = {}
        self._sent: dict[Place, Sent] = {}
        self._sends: Mapping[Place, bool] = {}
        self._troubles: dict[Place, tuple[Trouble, float]] = {}

    def follow(self, places: Mapping[Place, PlaceSection], sent: Mapping[Place, Sent] = MappingProxyType({})) -> None:
        """These destinations are its own now; what is known of those that stay is kept."""
        known = {desk.place: desk for desk in self._desks}
        desks = []
        self._shared = _shared(places)
        for place, section in places.items():
            if not self._account or not section.stream_id or place in self._shared:
                continue
            policy = policy_of(section)
            desk = known.get(place)
            if desk is None or desk.policy.stream_id != policy.stream_id:
                memory = self._parts.memory
                keep, tally = _keeper(memory, policy.stream_id), self._tallies.setdefault(place, Tally())
                desk = Desk(place, policy, memory.of(policy.stream_id), keep, tally)
            desk.planner.policy = policy
            if sent.get(place) != self._sent.get(place):
                desk.planner.delivery.forget_key()
            desks.append(desk)
        self._places = dict(places)
        self._sent = dict(sent)
        if self._account:
            self._account.desks = desks
            self._account.keys = {place: one.key for place, one in sent.items() if one.key}
        self._pages.follow((one.channel, one.page_poll) for one in places.values() if one.channel)

    @property
    def _desks(self) -> Sequence[Desk]:
        return self._account.desks if self._account else ()

    # --- a look ------------------------------------------------------------------------------------

    @property
    def due(self) -> float:
        """When to look next (monotonic)."""
        return min(self._account.due if self._account else float("inf"), self._pages.due)

    def look(self, sends: Mapping[Place, bool]) -> tuple[Sequence[Order], Sequence[Asked]]:
        """Observe, plan and act; see `interface.Platform`."""
        self._sends = sends
        self._parts.ledger.keep(sum(self._units_for_rotations(desk) for desk in self._desks))
        for desk in self._desks:
            if desk.due == float("-inf"):
                desk.recall(self._parts.memory.of(desk.policy.stream_id))
        wanted = self._account.look(sends) if self._account else ()
        if self.backups and self._parts.api:
            self.backups.look(self._parts.api)
        self._pages.look()
        self._note_troubles()
        orders = [Order(one.place, _DEEDS[one.act], one.trouble.value) for one in wanted]
        done = self._account.take_done() if self._account else ()
        return orders, [_asked(one) for one in done]

    def _units_for_rotations(self, desk: Desk) -> int:
        """What is still needed today."""
        policy, since = desk.policy, desk.planner.memory.live_since
        if policy.rotate_every is None or since is None or not policy.manage:
            return 0
        each = rotation_units(self._parts.ledger.quota, picture=policy.picture is not None)
        return each * rotations_today(since, policy.rotate_every, self._wall())

    def _note_troubles(self) -> None:
        for desk in self._desks:
            trouble = desk.standing.trouble
            if self._troubles.get(desk.place, (None, 0.0))[0] is not trouble:
                self._troubles[desk.place] = trouble, self._now()

    def _draft(self, place: Place, marker: str) -> NewBroadcast:
        section = self._places[place].broadcast
        desk = next(desk for desk in self._desks if desk.place == place)
        assert section is not None
        wall = self._wall()
        today, number = datetime.fromtimestamp(wall, UTC).date(), desk.planner.memory.made_so_far + 1
        title = expanded(section.title or place[0], today, number)
        description = expanded(section.description, today, number)
        return NewBroadcast(
            title,
            f"{description}\n\n{marker}".lstrip(),
            wall + _STARTS_IN,
            Privacy(section.privacy),
            section.category,
            section.latency,
            section.dvr,
            section.made_for_kids,
        )

    # --- what is known -----------------------------------------------------------------------------

    def states(self) -> Sequence[PlatformState]:
        """Of each destination."""
        desks = {desk.place: desk for desk in self._desks}
        return [self._state(place, section, desks) for place, section in self._places.items()]

    def _state(self, place: Place, section: PlaceSection, desks: Mapping[Place, Desk]) -> PlatformState:
        if other := self._shared.get(place):  # what is found of a stream is told once
            state = self._state(other, self._places[other], desks)
            return state._replace(
                stream=place[0], destination=place[1], opinions={}, measures=(), exhausted=False, plan="", account=""
            )
        page = seen = None
        desk = desks.get(place)
        listed: tuple[Measure, ...] = ()
        if section.channel:
            seen, lasted = self._pages.shows(section.channel)
            privacy = Privacy(section.broadcast.privacy) if section.broadcast else Privacy.PUBLIC
            listed = tuple(_page(seen, privacy))
            page = of_page(seen, lasted, sends=self._sends.get(place, False), privacy=privacy)
        if desk is None:
            shown = {"page": str(seen)} if seen else {}
            measures = (Measure("exhausted", 0.0), *listed)
            return PlatformState(PLATFORM, *place, opinions(None, None, page), None, shown, measures, account=self.name)
        standing = desk.standing
        since = self._troubles.get(place, (None, self._now()))[1]
        found = opinions(
            of_stream(standing, sound=self._sound(place)), of_broadcast(standing, self._now() - since), page
        )
        broadcast, stream = standing.broadcast, standing.stream
        words = {"trouble": str(standing.trouble)}
        words |= {"stream": str(stream.status), "health": str(stream.health)} if stream else {}
        words |= {"broadcast": str(broadcast.life_cycle)} if broadcast else {}
        words |= {"page": str(seen)} if seen else {}
        current, wall = _current(standing, self._wall()), self._wall()
        former = broadcast if broadcast and not current else None
        return PlatformState(
            PLATFORM,
            *place,
            found,
            current.watch_url if current else None,
            words,
            (*_measures(desk, wall), *listed),
            standing.stands_down,
            desk.said,
            self.name,
            former.watch_url if former else None,
            former.actual_end if former else None,
            standing.at or None,
        )

    def _sound(self, place: Place) -> bool:
        return place not in self._sent or self._sent[place].sound

    def login(self) -> LoginState | None:
        """How the login stands."""
        tokens = self._parts.tokens
        if tokens is None:
            return None
        state, day = tokens.state, self._parts.ledger.day
        mend = f"neverdark youtube login --account {self.name}" if state.login.needs_a_person else ""
        measures = [
            Measure("quota_used_units", day.used),
            Measure("quota_limit_units", self._parts.ledger.quota.limit),
            Measure("token_valid", float(not state.login.needs_a_person)),
        ]
        if state.expires is not None:
            measures.append(Measure("token_expiry_timestamp_seconds", state.expires))
        for (method, result), count in sorted(self._parts.requests.items()):
            measures.append(Measure("api_requests_total", count, {"method": method, "result": result}))
        good = None if state.login.value in {"untried", "unknown"} else not state.login.needs_a_person
        return LoginState(PLATFORM, self.name, good, state.reason or str(state.login), mend, tuple(measures))


def policy_of(section: PlaceSection) -> Policy:
    """What the configuration of a destination allows."""
    assert section.stream_id
    broadcast, rotate = section.broadcast, section.rotate
    return Policy(
        section.stream_id,
        manage=section.manages,
        adopt=bool(broadcast and broadcast.adopt),
        rotate_every=rotate.every if rotate else None,
        poll=section.poll,
        picture=section.picture,
    )


def _shared(places: Mapping[Place, PlaceSection]) -> dict[Place, Place]:
    """Destinations with the stream of another one, as a primary and its backup: there is one plan for each stream."""
    first: dict[str, Place] = {}
    found = {}
    for place, section in sorted(places.items(), key=lambda item: not item[1].manages):  # the order stays otherwise
        if section.stream_id and first.setdefault(section.stream_id, place) != place:
            found[place] = first[section.stream_id]
    return found


def _keeper(memory: MemoryFile, stream_id: str) -> Callable[..., bool]:
    return lambda remembered: memory.keep(stream_id, remembered)


def _asked(done: Done) -> Asked:
    step = done.step
    what = " ".join(filter(None, (step.act.value, step.to)))
    result = "ok" if done.why is Refused.NO else done.reason or done.why.value
    address = f"https://www.youtube.com/watch?v={done.broadcast}" if done.broadcast else None
    action = None if step.to == "complete" else _ACTIONS.get(step.act)
    return Asked(done.place, what, result, done.why is Refused.NO, address, action)


def _one_hot(name: str, label: str, words: Iterable[str], now: str | None) -> Iterable[Measure]:
    return (Measure(name, float(word == now), {label: str(word)}) for word in words)


def _page(seen: Page, privacy: Privacy) -> Iterable[Measure]:
    """Unlisted and private broadcasts never stand there: that nothing does says nothing of them."""
    if seen is Page.UNKNOWN or privacy in {Privacy.UNLISTED, Privacy.PRIVATE}:
        return ()
    return (Measure("page_live", float(seen is Page.LIVE)),)


def _measures(desk: Desk, wall: float) -> Iterable[Measure]:
    standing = desk.standing
    if _is_known(standing, wall):
        yield from _known(standing, wall)
    if desk.policy.rotate_every is not None:
        yield Measure("rotation_interval_seconds", desk.policy.rotate_every)
    yield Measure("inserts_total", standing.inserts)
    yield Measure("rotations_total", standing.rotations)
    yield Measure("exhausted", float(standing.stands_down))


def _is_known(standing: Standing, wall: float) -> bool:
    """What YouTube said long before it could not be asked any more is not what is so."""
    return bool(standing.at) and (standing.trouble is not Trouble.NOT_READ or abs(wall - standing.at) < _KNOWN_FOR)


def _current(standing: Standing, wall: float) -> Broadcast | None:
    """What viewers have, or will have, under its address: nothing that has ended, and nothing that was so long ago."""
    one = standing.broadcast
    return one if one and one.life_cycle not in _ENDED and _is_known(standing, wall) else None


def _known(standing: Standing, wall: float) -> Iterable[Measure]:
    stream, broadcast = standing.stream, standing.broadcast
    yield from _one_hot("stream_status", "status", StreamStatus, stream.status if stream else None)
    yield from _one_hot("health_status", "status", HealthStatus, stream.health if stream else None)
    yield from _one_hot("broadcast_state", "state", LifeCycle, broadcast.life_cycle if broadcast else None)
    issues = Counter((IssueType(one.kind), one.severity) for one in stream.issues) if stream else Counter()
    for (kind, severity), count in issues.most_common(_MOST_ISSUES):
        yield Measure("configuration_issues", count, {"type": str(kind), "severity": str(severity)})
    if current := _current(standing, wall):
        yield Measure("broadcast_info", 1.0, {"watch_url": current.watch_url})
    if broadcast and broadcast.life_cycle is LifeCycle.LIVE and broadcast.actual_start is not None:
        yield Measure("broadcast_age_seconds", max(0.0, wall - broadcast.actual_start))
