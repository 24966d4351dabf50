"""One login at YouTube with its destinations, as the platform that neverdark asks. Blocks where it looks.

Its parts are made by whoever makes it: a real client and files, or those of a simulation.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from pydantic import SecretStr

from supervisor.config.stamp import Stamp
from supervisor.config.youtube import AccountSection, PlaceSection, expanded
from supervisor.model.platforms import LoginState, Measure, Opinion, PlatformState
from supervisor.model.terms import Remedy
from supervisor.platforms.interface import Asked, Deed, Order, Place
from supervisor.platforms.youtube import measures
from supervisor.platforms.youtube.account import Account, Api, Done
from supervisor.platforms.youtube.backups import Backups
from supervisor.platforms.youtube.client import NewBroadcast
from supervisor.platforms.youtube.desk import Desk, Silence, Tally
from supervisor.platforms.youtube.errors import Kind, YoutubeError
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.memory_file import MemoryFile
from supervisor.platforms.youtube.model import Page, Privacy
from supervisor.platforms.youtube.opinions import Sound, of_broadcast, of_page, of_stream, opinions
from supervisor.platforms.youtube.pages import Pages
from supervisor.platforms.youtube.quota import rotation_units, rotations_today
from supervisor.platforms.youtube.saying import moment, of_reason, unasked
from supervisor.platforms.youtube.steps import Act, Policy, Refused, Trouble
from supervisor.platforms.youtube.tokens import Tokens

PLATFORM = "youtube"
_STARTS_IN = 10.0  # seconds: a broadcast must not be scheduled for the past
_ACTIONS = {
    Act.INSERT: Remedy.NEW_BROADCAST,
    Act.BIND: Remedy.START_BROADCAST,
    Act.TRANSITION: Remedy.START_BROADCAST,
}
NO_CHANNEL = "none"  # of a login that has none
_DEEDS = {one: Deed(one.value) for one in (Act.RESTART_PUSHER, Act.RESTART_ENCODER, Act.OTHER_ADDRESS)}


class Parts(NamedTuple):
    """What a login is made of. `tokens` is None where there is nothing but pages."""

    api: Api | None
    ledger: Ledger
    tokens: Tokens | None
    memory: MemoryFile
    ask_page: Callable[[str], Page]
    requests: Counter[tuple[str, str]]  # by method and result
    tallies: dict[Place, Tally] | None = None  # those that outlive this login
    silence: Silence | None = None  # so does this


class Sent(NamedTuple):
    """What is sent to a destination: with which key, and whether there is to be sound in it.

    `address` is where to, without the key; empty where it must not be sent to another one.
    """

    key: SecretStr | None = None
    sound: bool = True
    address: str = ""


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
        if self._account and parts.silence:
            self._account.silence = parts.silence
        self._pages = Pages(parts.ask_page, now)
        self.backups: Backups | None = None
        self._tallies = {} if parts.tallies is None else parts.tallies
        self._places: dict[Place, PlaceSection] = {}
        self._sections: dict[Place, PlaceSection] = {}  # also of those that went in the middle of a look
        self._shared: dict[Place, Place] = {}
        self._sent: dict[Place, Sent] = {}
        self._sends: Mapping[Place, bool] = {}
        self._soundless: Collection[Place] = ()
        self._looked_with = Stamp()  # the login of the latest look
        self._asked_for = Stamp()  # the login whose channel is known
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
            desk.planner.delivery.elsewhere = place in sent and bool(sent[place].address)
            desks.append(desk)
        self._places = dict(places)
        self._sections |= places
        self._sent = dict(sent)
        if self._account:
            self._account.desks = desks
            if not desks:
                self._account.silence.since = None  # nothing is asked any more
            self._account.keys = {place: one.key for place, one in sent.items() if one.key}
            self._account.addresses = {place: one.address for place, one in sent.items() if one.address}
        self._pages.follow((one.channel, one.page_poll) for one in places.values() if one.channel)

    @property
    def _desks(self) -> Sequence[Desk]:
        return self._account.desks if self._account else ()

    # --- a look ------------------------------------------------------------------------------------

    @property
    def due(self) -> float:
        """When to look next (monotonic)."""
        if self._has_new_login():
            return float("-inf")
        return min(self._account.due if self._account else float("inf"), self._pages.due)

    def _has_new_login(self) -> bool:
        """Somebody has to log in, and it seems that somebody has."""
        account, tokens = self._account, self._parts.tokens
        if not account or not tokens or account.error not in {Kind.TOKEN, Kind.PERMISSION}:
            return False
        return tokens.stamp not in {self._looked_with, tokens.taken_from}

    def look(
        self, sends: Mapping[Place, bool], soundless: Collection[Place] = ()
    ) -> tuple[Sequence[Order], Sequence[Asked]]:
        """Observe, plan and act; see `interface.Platform`."""
        self._sends, self._soundless = sends, soundless
        self._parts.ledger.keep(sum(self._units_for_rotations(desk) for desk in self._desks))
        for desk in self._desks:
            if desk.due == float("-inf"):
                desk.recall(self._parts.memory.of(desk.policy.stream_id))
        if self._account and self._has_new_login():
            self._account.hurry()
        if self._parts.tokens:
            self._looked_with = self._parts.tokens.stamp
        if self._account and self._account.due <= self._now():
            self._know_channel(self._account)
        wanted = self._account.look(sends) if self._account else ()
        if self.backups and self._parts.api:
            self.backups.look(self._parts.api)
        self._pages.look()
        self._note_troubles()
        orders = [Order(one.place, _DEEDS[one.act], one.trouble.value, one.address) for one in wanted]
        done = self._account.take_done() if self._account else ()
        return orders, [*self._recalled(), *(_asked(one) for one in done)]

    def _know_channel(self, account: Account) -> None:
        """Whose channel it is, is asked once for each login: what was logged in last may be another one."""
        tokens, api = self._parts.tokens, self._parts.api
        if not tokens or not api or not any(one.channel for one in self._places.values()):
            return
        if (stamp := tokens.stamp) != self._asked_for:
            account.channel = ""
            with contextlib.suppress(YoutubeError):  # the look itself tells what is wrong; it is asked again
                found = api.channel()
                account.channel = found.id if found else NO_CHANNEL
                self._asked_for = stamp

    def _recalled(self) -> Sequence[Asked]:
        """What became of what is remembered, once: it is told where the first of those stands that need it."""
        desks = self._desks
        if not desks or not (said := self._parts.memory.take_said()):
            return ()
        return (Asked(desks[0].place, "what neverdark made is looked up", said, helped=False),)

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
        place_section = self._sections[place]
        section, stream_id = place_section.broadcast, place_section.stream_id
        assert section is not None
        assert stream_id
        wall = self._wall()
        number = self._parts.memory.of(stream_id).made_so_far + 1
        today = datetime.fromtimestamp(wall, UTC).date()
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
            listed = tuple(measures.of_page(seen, privacy))
            page = of_page(seen, lasted, sends=self._sends.get(place, False), privacy=privacy)
        if desk is None:
            shown = {"page": str(seen)} if seen else {}
            listed = (Measure("exhausted", 0.0), *listed)
            return PlatformState(PLATFORM, *place, opinions(None, None, page), None, shown, listed, account=self.name)
        standing = desk.standing
        since = self._troubles.get(place, (None, self._now()))[1]
        found = opinions(of_stream(standing, self._sound(place)), self._of_broadcast(desk, self._now() - since), page)
        broadcast, stream = standing.broadcast, standing.stream
        words = {"trouble": str(standing.trouble)}
        words |= {"stream": str(stream.status), "health": str(stream.health)} if stream else {}
        words |= {"broadcast": str(broadcast.life_cycle)} if broadcast else {}
        words |= {"page": str(seen)} if seen else {}
        wall = self._wall()
        current = measures.current_of(desk, wall)
        former = broadcast if broadcast and not current else None
        return PlatformState(
            PLATFORM,
            *place,
            found,
            current.watch_url if current else None,
            words,
            (*measures.of_desk(desk, wall), *listed),
            standing.stands_down,
            self._plan_of(desk),
            self.name,
            former.watch_url if former else None,
            former.actual_end if former else None,
            standing.at or None,
        )

    def _of_broadcast(self, desk: Desk, lasted: float) -> Opinion:
        late = self._not_followed(desk)
        return of_broadcast(desk.standing, lasted, sends=self._sends.get(desk.place, False), not_followed=late)

    def _plan_of(self, desk: Desk) -> str:
        """The latest step in words, and what keeps it from more."""
        if desk.standing.trouble is Trouble.NOT_READ and (why := self._unasked()):
            return f"{desk.said} ({why})"
        if reason := desk.standing.reason:
            return f"{desk.said} ({of_reason(reason)})"
        if desk.declined and desk.standing.trouble is not Trouble.NONE:
            return f"{desk.said} (YouTube has refused the latest step: {of_reason(desk.declined)})"
        return "; ".join(filter(None, (desk.said, self._not_followed(desk))))

    def _not_followed(self, desk: Desk) -> str:
        """Of a broadcast that is live, and should have been followed by another one."""
        if not desk.not_followed or (left := desk.planner.follows_in(self._now(), self._wall())) is None:
            return ""
        again = moment(self._wall() + left)
        return f"the next broadcast was not permitted ({of_reason(desk.not_followed)}), tried again at {again}"

    def _unasked(self) -> str:
        """Why YouTube cannot be asked, if it cannot."""
        unread = self._account.unread if self._account else None
        return unasked(unread, self._parts.ledger) if unread else ""

    def _sound(self, place: Place) -> Sound:
        if place in self._sent and not self._sent[place].sound:
            return Sound.NOT_WANTED
        return Sound.LOST if place in self._soundless else Sound.SENT

    def login(self) -> LoginState | None:
        """How the login stands."""
        tokens = self._parts.tokens
        if tokens is None:
            return None
        state, wrong = tokens.state, self._wrong_channel()
        bad = state.login.needs_a_person or bool(wrong)
        mend = f"neverdark youtube login --account {self.name}" if bad else ""
        listed = tuple(
            measures.of_login(state, self._parts.ledger, self._parts.requests, good=not bad, silent=self._silent())
        )
        good = None if state.login.value in {"untried", "unknown"} and not wrong else not bad
        said = state.reason or wrong or str(state.login)
        return LoginState(PLATFORM, self.name, good, said, mend, listed, "" if bad else self._unasked())

    def _silent(self) -> float:
        since = self._account.silence.since if self._account else None
        return 0.0 if since is None else max(0.0, self._now() - since)

    def _wrong_channel(self) -> str:
        """What is to be said where the login is of another channel than the configuration names; or nothing."""
        known = self._account.channel if self._account else ""
        named = sorted({one.channel for one in self._places.values() if one.channel} - {known})
        if not known or not named:
            return ""
        of = "has no channel" if known == NO_CHANNEL else f"is of {known}"
        return f"the login {of}, but the configuration names {', '.join(named)}: nothing is changed there"


def policy_of(section: PlaceSection) -> Policy:
    """What the configuration of a destination allows."""
    assert section.stream_id
    broadcast, rotate = section.broadcast, section.rotate
    return Policy(
        section.stream_id,
        manage=section.manages,
        channel=section.channel,
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
    if step.rotation and done.why is not Refused.NO:
        result += "; the one before goes on"
    address = f"https://www.youtube.com/watch?v={done.broadcast}" if done.broadcast else None
    action = None if step.to == "complete" else _ACTIONS.get(step.act)
    return Asked(done.place, what, result, done.why is Refused.NO, address, action)
