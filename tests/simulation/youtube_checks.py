"""What must hold in every history of a login at YouTube; from the outside: what is asked, and what is so there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from supervisor.config.youtube import PlaceSection
from supervisor.model.terms import Check, Verdict
from supervisor.platforms.interface import Deed, Order, Place
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.login import Login
from tests.youtube.call import Call
from tests.youtube.errors import ApiError
from tests.youtube.fake import FakeYouTube
from tests.youtube.model import Broadcast, State, Stream

# Written a second time on purpose.
_STUCK: Final = 180.0
_INSERT_EVERY: Final = 600.0
_INSERTS_A_DAY: Final = 8
_TOKEN_TAKES: Final = 20.0  # seconds between neverdark's own word that it will ask, and the call
_COMING: Final = frozenset({State.CREATED, State.READY, State.TEST_STARTING, State.TESTING, State.LIVE_STARTING})
_USABLE: Final = _COMING | {State.LIVE}
_LONGEST_BACKOFF: Final = 3600.0


class WrongError(Exception):
    """Something that must hold does not."""


class Spot(Protocol):
    """A stream of YouTube's that is looked after, and what its encoder does."""

    place: Place
    stream: Stream
    section: PlaceSection
    sends: bool
    arrives: bool


class Lived(Protocol):
    """What is looked at: a history, or the channel of a world. `time` is the fake's."""

    fake: FakeYouTube

    @property
    def time(self) -> float: ...
    @property
    def spots(self) -> Mapping[Any, Spot]: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def login(self) -> Login | None: ...
    @property
    def spoilt(self) -> bool: ...


class Checks:
    """Of one history."""

    def __init__(self, history: Lived) -> None:
        self._history = history
        self._fake = history.fake
        self._owners: dict[str, Spot] = {}  # of what came by the API
        self._made_at: dict[str, list[float]] = {}
        self._began: dict[str, int] = {}
        self._spoilt_at = float("-inf")
        self._began_at = history.time  # neverdark's latest life
        self._off_since: dict[str, float] = {}
        self._beside_since: dict[str, float] = {}
        self._seen: Mapping[str, Broadcast] = {}  # by the lists, at the latest
        self._known: set[str] = set()
        self._made: list[tuple[float, Spot]] = []  # with the time at which it was asked for: a call may take long
        self._asked_at: dict[str, float] = {}
        self._units: list[tuple[float, int, str]] = []

    def fail(self, check: str, words: str) -> None:
        """Raises."""
        raise WrongError(f"{check}: {words}")

    # --- what the history tells --------------------------------------------------------------------

    def begins(self, what: str) -> None:
        """Something is wrong for a while."""
        self._began[what] = self._began.get(what, 0) + 1

    def ends(self, what: str) -> None:
        """It is over."""
        self._began[what] -= 1
        self.spoilt()

    def spoilt(self) -> None:
        """A call was."""
        self._spoilt_at = self._history.time

    def began_again(self) -> None:
        """neverdark has another life."""
        self._began_at = self._history.time

    # --- calls -------------------------------------------------------------------------------------

    def owner(self, one: Broadcast) -> Spot | None:
        """Whose it is, if it is ours."""
        if not one.by_api:
            return None
        name = one.title.split()[0]
        return next(spot for spot in self._history.spots.values() if spot.place[0] == name)

    def asked(self, call: Call) -> None:
        """Before it is carried out."""
        if call.name == "liveBroadcasts.list":
            lag = self._fake.rules.list_lag
            with self._fake._world.lock:
                self._seen = {one.id: one for one in self._fake._world.broadcasts(lag)}
        if call.name == "liveBroadcasts.insert":
            self._insert(call)
        elif call.name.startswith("liveBroadcasts.") and not call.name.endswith(".list"):
            self._change(call, str(call.query.one("id")))

    def answered(self, call: Call) -> None:
        """After it."""
        for one in self._fake.studio.made():
            if one.id not in self._known and (spot := self.owner(one)):
                self._known.add(one.id)
                self._made.append((self._asked_at.get(spot.place[0], one.created), spot))
        if not call.name.startswith("oauth."):
            self._units.append((self._history.time, self._fake.rules.cost(call.name), call.name))

    def _sending(self, spot: Spot, call: Call) -> None:
        if not spot.sends:
            self.fail("writes without encoder", f"{call.name} for {spot.place[0]}")
        if not spot.section.manages:
            self.fail("not managed", f"{call.name} for {spot.place[0]}")

    def _insert(self, call: Call) -> None:
        name = str(call.json()["snippet"]["title"]).split()[0]
        spot = next(spot for spot in self._history.spots.values() if spot.place[0] == name)
        self._sending(spot, call)
        now = self._asked_at[name] = self._history.time
        times = self._made_at.setdefault(name, [])
        ours = [one for one in self._fake.studio.all() if self.owner(one) is spot]
        coming = [one for one in ours if one.state in _COMING and self._hopeful(one, spot)]
        live = [one for one in self._seen.values() if one.state is State.LIVE and one.stream == spot.stream.id]
        if coming:
            self.fail("second insert", f"there is {coming[0].id}, {coming[0].state}, already")
        if live and not self._rotates(spot, live):
            self.fail("second insert", f"viewers have {live[0].id}")
        self._calls_a_day(name, now)
        times.append(now)

    def _calls_a_day(self, name: str, now: float) -> None:
        spot = next(spot for spot in self._history.spots.values() if spot.place[0] == name)
        made = [at for at, of in self._made if of is spot and now - at < 86_400]
        most = _INSERTS_A_DAY + (86_400 / spot.section.rotate.every if spot.section.rotate else 0)
        if len(made) >= most:
            self.fail("inserts a day", f"{name} has had {len(made)}")
        if not spot.section.rotate and made and now - made[-1] < _INSERT_EVERY - _TOKEN_TAKES:
            self.fail("inserts in ten minutes", f"{name}: {now - made[-1]:.0f} s after the last one")

    def _hopeful(self, one: Broadcast, spot: Spot) -> bool:
        """It may still become what viewers see."""
        stays = self._history.time - one.since
        stuck = one.state in {State.LIVE_STARTING, State.TEST_STARTING} and stays >= _STUCK
        elsewhere = one.stream not in {None, spot.stream.id}
        return not stuck and not elsewhere and one.id not in self._given_up(one)

    def _given_up(self, one: Broadcast) -> set[str]:
        # One that was stuck once is not trusted again.
        history = self._fake._world._histories[one.id]
        for version, after in zip(history, [*history[1:], None], strict=True):
            if version.broadcast is None or version.broadcast.state not in {State.LIVE_STARTING, State.TEST_STARTING}:
                continue
            until = after.since if after else self._history.time
            if until - version.broadcast.since >= _STUCK:
                return {one.id}
        return set()

    def _rotates(self, spot: Spot, live: list[Broadcast]) -> bool:
        rotate = spot.section.rotate
        ours = [one for one in live if one.by_api]
        return bool(rotate) and any(
            one.started is not None and self._history.time - one.started >= rotate.every - 1  # type: ignore[union-attr]
            for one in ours
        )

    def _change(self, call: Call, identity: str) -> None:
        try:
            one = self._fake.studio.look(identity)
        except ApiError:
            return  # gone meanwhile
        spot = self.owner(one)
        to = call.query.one("broadcastStatus")
        if spot is None:
            spot = next((spot for spot in self._history.spots.values() if spot.stream.id == one.stream), None)
            if spot is None or not (spot.section.broadcast and spot.section.broadcast.adopt):
                self.fail("foreign touched", f"{call.name} {to or ''} {identity}")
            elif call.name == "liveBroadcasts.delete" or to == "complete":
                self.fail("foreign touched", f"{call.name} {to or ''} {identity}, which is adopted")
        assert spot
        self._sending(spot, call)
        if to == "complete":
            others = [
                other
                for other in self._seen.values()
                if other.state is State.LIVE and other.stream == spot.stream.id and other.id != identity
            ]
            if not others:
                self.fail("gap", f"{identity} is ended, and nothing else is live")

    def ordered(self, order: Order) -> None:
        """Our processes are restarted for ladder a and e alone."""
        spot = self._history.spots[order.place]
        if order.deed is Deed.RESTART_PUSHER:
            arrival = self._fake.ingest._arrivals[spot.stream.key]
            rules = self._fake.rules
            recent = self._history.time - arrival.since < rules.active_after + 30
            if spot.arrives and not recent:
                self.fail("restart", f"the pusher of {order.place[0]}, whose media is received")
        elif self._fake.ingest._health.get(spot.stream.key, "good") != "bad":
            self.fail("restart", f"the encoder of {order.place[0]}, of which nobody complains")

    def _thrift(self) -> None:
        """No hour costs what would use up a day."""
        spots = len(self._history.spots)
        first = total = 0
        for at, units, _ in self._units:
            total += units
            while self._units[first][0] < at - 3600:
                total -= self._units[first][1]
                first += 1
            if total > 900 + 900 * spots:
                self.fail("thrift", f"{total} units in the hour before {at:.0f}")

    # --- what is so --------------------------------------------------------------------------------

    def moment(self) -> None:
        """Anytime."""
        studio = self._fake.studio.all()
        for spot in self._history.spots.values():
            self._on_air(spot, studio)
            self._beside(spot, studio)

    def _calm(self, spot: Spot) -> bool:
        """Nothing stands in the way of repairs."""
        rules, ledger = self._fake.rules, self._history.ledger
        return (
            spot.sends
            and spot.arrives
            and not any(self._began.values())
            and not self._history.spoilt
            and not rules.stuck
            and self._fake.quota.used < rules.quota_limit - 300
            and ledger.day.closed_until <= self._history.time
            and ledger.day.used < 8_500
        )

    def _on_air(self, spot: Spot, studio: list[Broadcast]) -> None:
        name, now = spot.place[0], self._history.time
        mine = [one for one in studio if one.stream == spot.stream.id or self.owner(one) is spot]
        live = any(one.state is State.LIVE and one.stream == spot.stream.id for one in mine)
        blocked = any(one.state is State.REVOKED for one in mine)  # a person's, until somebody looks
        if live or blocked or not self._calm(spot) or not spot.section.manages:
            self._off_since.pop(name, None)
            return
        since = self._off_since.setdefault(name, now)
        if now - since > self.bound(spot, since):
            self.fail("on air again", f"{name} has been off the air for {now - since:.0f} s")
        self._told(spot, now - since)

    def bound(self, spot: Spot, since: float) -> float:
        """Seconds after which viewers must have a broadcast again."""
        rules, now = self._fake.rules, self._history.time
        times = [at for at in self._made_at.get(spot.place[0], []) if now - at < 86_400 + 7200]
        ledger = self._history.ledger
        poll = max(ledger.stretched(spot.section.poll, 2), spot.section.poll)
        bound = 2 * poll + 2 * 15 + 30 + 2 * rules.list_lag + rules.live_starting + rules.active_after + 60 + 20 + 90
        if times and since - times[-1] < _INSERT_EVERY:
            bound += _INSERT_EVERY + poll
        if since - self._spoilt_at < 2 * _LONGEST_BACKOFF:
            bound += 2 * _LONGEST_BACKOFF
        bound += _STUCK * 2  # somebody's own, that does not get up
        if len([at for at in times if now - at < 86_400 + bound]) >= _INSERTS_A_DAY:
            bound += 86_400
        return bound

    def _told(self, spot: Spot, lasted: float) -> None:
        """Who looks at neverdark knows of it."""
        if self._history.time - self._began_at < 2 * spot.section.poll + 60:
            return  # it has not looked yet
        if (
            lasted < 400 + self._history.ledger.stretched(spot.section.poll, 2) * 2
            or self._spoilt_at + 7200 > self._history.time
        ):
            return
        opinion = self._opinion(spot)
        if opinion not in {Verdict.UNHEALTHY, Verdict.DEGRADED}:
            self.fail("told", f"{spot.place[0]}: viewers have nothing for {lasted:.0f} s, and it is {opinion}")

    def _opinion(self, spot: Spot) -> Verdict:
        assert self._history.login
        state = next(state for state in self._history.login.states() if state.stream == spot.place[0])
        return state.opinions[Check.YOUTUBE_BROADCAST].verdict

    def _beside(self, spot: Spot, studio: list[Broadcast]) -> None:
        """No second one of ours is left on show, or lying about."""
        now = self._history.time
        ours = [one for one in studio if self.owner(one) is spot and one.state in _USABLE]
        ours = [one for one in ours if one.stream in {None, spot.stream.id}]
        ours = [one for one in ours if one.state not in {State.LIVE_STARTING, State.TEST_STARTING}]
        name = spot.place[0]
        if len(ours) < 2 or not self._calm(spot) or not any(one.state is State.LIVE for one in ours):
            self._beside_since.pop(name, None)
            return
        since = self._beside_since.setdefault(name, now)
        bound = 900.0 + 2 * self._history.ledger.stretched(spot.section.poll, 2) + 900
        if now - self._spoilt_at < 3 * _LONGEST_BACKOFF:
            bound += 3 * _LONGEST_BACKOFF
        if now - since > bound:
            self.fail("left beside", f"{name} has {', '.join(f'{one.id} {one.state}' for one in ours)}")

    def end(self) -> None:
        """When all is over."""
        self._thrift()
        if faults := self._fake.record.faults():
            self.fail("ill-formed", faults[0])
