"""The YouTube of a world: some of its streams go to a channel, whose ingest receives what the world's really does."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

import requests

from supervisor.config.youtube import AccountSection, PlaceSection
from supervisor.platforms.interface import Place
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.login import Login
from supervisor.platforms.youtube.made import Logins, Outside
from supervisor.platforms.youtube.oauth import Grant, OAuth
from supervisor.platforms.youtube.quota import date_of
from supervisor.platforms.youtube.tokens import Tokens
from tests.simulation.aside import Aside
from tests.simulation.line import Troubled
from tests.simulation.loop import BEGINNING
from tests.simulation.youtube_line import Line, Spoiler, writes
from tests.youtube.call import Answer, Call
from tests.youtube.clock import Clock
from tests.youtube.fake import FakeYouTube
from tests.youtube.model import State, Stream
from tests.youtube.oauth import TV
from tests.youtube.trouble import DroppedError

if TYPE_CHECKING:
    from supervisor.config.shape import Config
    from tests.simulation.settings import Settings
    from tests.simulation.world import World

ACKNOWLEDGED = 10.0  # seconds for which the latest acknowledgement counts
_SHARE = 0.7  # of the streams that can be at YouTube
_MOST_LAG = 15.0
_SLOW = (2.0, 12.0)  # seconds that a call takes while all are slow
_HOUR = 3600.0


class Ear(Protocol):
    """Who hears of every call."""

    def asked(self, call: Call) -> None:
        """Before it is carried out."""

    def answered(self, call: Call) -> None:
        """After it."""


class Spot:
    """A stream of YouTube's, and the destinations that lead to it."""

    def __init__(self, place: Place, ways: list[str], stream: Stream, row: Mapping[str, Any]) -> None:
        self.place = place
        self.ways = ways  # STREAM/DESTINATION
        self.stream = stream
        self.row = row
        self.section = PlaceSection.model_validate(row)
        self.sends = True  # who asks whether it is acknowledged looks at the times
        self.arrives = False  # some of it
        self.arrived = float("-inf")  # virtual, at the latest
        self.since = float("inf")  # since then without a break
        self.troubles = Troubled()


class Channel:
    """The fake, its streams by their names in the world, and what is wrong with all of it."""

    def __init__(self, world: World) -> None:
        """Writes YouTube into the world's settings."""
        self.world = world
        self.random = Random(f"youtube {world.seed}")
        self.offset = world.wall_offset  # true time goes on when somebody sets the machine's clock
        self.fake = FakeYouTube(port=9, clock=Clock(self.now))
        self.aside = Aside()
        self.spoiler = Spoiler(self.fake, self.random, self.aside.pass_, lambda: None)
        self.troubles = Troubled()
        self.ears: list[Ear] = []
        self.login: Login | None = None
        self.kill_at = ""  # neverdark dies before, or after, the next call that changes something
        self.kill: Callable[[], object] = lambda: None
        self.refused = 0  # units that neverdark has counted for calls that cost nothing
        self.units: dict[str, int] = {}  # that the fake has counted, and those, by our days
        self._rules()
        self.section = self._account()
        self.log_in()
        self.spots = {spot.place[0]: spot for spot in self._spots(world.settings)}
        world.settings = world.settings._replace(tree=self._tree(world.settings))

    # --- the scene ---------------------------------------------------------------------------------

    def _rules(self) -> None:
        rules, chance = self.fake.rules, self.random
        rules.list_lag = chance.choice((0.0, 0.0, chance.uniform(0, _MOST_LAG)))
        rules.live_starting = chance.choice((0.0, chance.uniform(0, 40)))
        rules.active_after = chance.choice((0.0, chance.uniform(0, 10)))
        rules.inactive_after = chance.choice((0.0, chance.uniform(0, 120)))
        rules.complete_again = chance.choice(("redundantTransition", "invalidTransition"))
        rules.unwritten = (chance.choice((400, 403)), chance.choice(("invalidTransition", "errorStreamInactive")))

    def begin(self) -> None:
        """The world begins. In half of them a Pacific midnight comes within hours."""
        world = self.world
        if world.night is None and self.random.random() < 0.5:
            world.wall_offset += self.random.uniform(17, 23.5) * _HOUR
        self.offset = world.wall_offset

    def _account(self) -> AccountSection:
        place = self.world.place
        secret = place / "secret"
        secret.write_text(TV.client_secret)
        secret.chmod(0o600)
        self._keys: dict[str, Any] = {
            "client_id": TV.client_id,
            "client_secret_file": str(secret),
            "token_file": str(place / "token"),
            **self.fake.urls,
        }
        return AccountSection.model_validate(self._keys)

    def _spots(self, settings: Settings) -> list[Spot]:
        able = [
            name for name in settings.tree["streams"] if not any(one.startswith(f"{name}/") for one in settings.near)
        ]
        able = able or list(settings.tree["streams"])
        chosen = [name for name in able if self.random.random() < _SHARE] or able[:1]
        return [self._spot(name, settings.tree["streams"][name]) for name in chosen]

    def _spot(self, name: str, keys: Mapping[str, Any]) -> Spot:
        chance = self.random
        stream = self.fake.studio.stream(keys["destinations"]["main"]["key"])
        row: dict[str, Any] = {
            "account": "main",
            "stream_id": stream.id,
            "poll": chance.choice((30, 60, 60, 120)),
            "broadcast": {"title": f"{name} {{counter}}", "adopt": chance.random() < 0.3},
        }
        if chance.random() < 0.3:
            row["rotate"] = {"every": chance.choice((3600, 7200, 4 * 3600))}
        pair = "backup" in keys["destinations"] and chance.random() < 0.7
        ways = [f"{name}/main", *([f"{name}/backup"] if pair else [])]
        return Spot((name, "main"), ways, stream, row)

    def _tree(self, settings: Settings) -> dict[str, Any]:
        tree = copy.deepcopy(settings.tree)
        tree["youtube"] = {"accounts": {"main": self._keys}}
        for name, spot in self.spots.items():
            destinations = tree["streams"][name]["destinations"]
            destinations["main"]["youtube"] = spot.row
            if len(spot.ways) > 1:
                destinations["main"]["role"] = "primary"
                destinations["backup"] |= {"role": "backup", "key": spot.stream.key}
        return tree

    def log_in(self) -> None:
        """As `neverdark youtube login` does."""
        session = Line(self.fake.talk)
        tokens = Tokens(self.section, OAuth(self.section, session), wall=self.now, clock=self.now)
        tokens.save(Grant("none", self.fake.oauth.granted(), 0.0))

    def logins(self) -> Callable[[Any], Mapping[str, Login]]:
        """As the composition makes them, for a neverdark that begins."""
        world = self.world
        self.login = None
        outside = Outside(lambda: Line(self.talk), self.aside.pass_, self.random.random)
        logins = Logins(world.place / "data", lambda: world.agenda.now, world.wall, outside)

        def follow(configs: list[Config]) -> Mapping[str, Login]:
            known = logins.follow(configs)
            self.login = known.get("main")
            return known

        return follow

    # --- what one may ask --------------------------------------------------------------------------

    def now(self) -> float:
        """Which time it is, whatever the machine's clock says."""
        return self.world.agenda.now + self.offset

    @property
    def time(self) -> float:
        """The same."""
        return self.now()

    @property
    def spoilt(self) -> bool:
        """Calls are, at times."""
        return bool(self.spoiler.how[0])

    @property
    def ledger(self) -> Ledger:
        """That of the login."""
        assert self.login
        return self.login._parts.ledger

    def is_live(self, spot: Spot) -> bool:
        """Whether viewers see what is sent."""
        return any(one.state is State.LIVE and one.stream == spot.stream.id for one in self.fake.studio.all())

    def day(self) -> str:
        """By which neverdark counts."""
        return date_of(self.world.wall())

    def virtual(self, time: float) -> float:
        """Virtual seconds of a time of the fake's."""
        return time - self.offset - BEGINNING

    # --- what goes on ------------------------------------------------------------------------------

    def look(self) -> None:
        """See what arrives now, and let the ingest receive it."""
        now = self.world.now
        for spot in self.spots.values():
            arrives = any(self.world.arrives(*way.split("/")) for way in spot.ways)
            if arrives:
                spot.arrived = now
                spot.since = min(spot.since, now)
            else:
                spot.since = float("inf")
            spot.arrives = arrives
            self.fake.ingest.sends(spot.stream.key, yes=arrives and not spot.troubles.has("youtube_unreceived"))

    def talk(self, call: Call) -> Answer:
        """One call. Raises what requests does where there is no answer."""
        self.look()
        costs = 0 if call.name.startswith("oauth.") else self.fake.rules.cost(call.name)
        day = self.day()
        for ear in self.ears:
            ear.asked(call)
        dies = self.kill_at if writes(call) else ""
        before = self.fake.quota.used
        try:
            if dies == "before":
                self._die()
            if costs and self.troubles.has("youtube_slow"):
                self.aside.pass_(self.random.uniform(*_SLOW))
            before = self.fake.quota.used
            return self._answer(call)
        finally:
            if costs:
                self._count(day, costs, self.fake.quota.used - before)
            for ear in self.ears:
                ear.answered(call)
            if dies == "after":
                self._die()

    def _answer(self, call: Call) -> Answer:
        line = self.world.line
        if line.down or line.nameless:
            raise requests.exceptions.ConnectTimeout
        self.spoiler.spoil(call)
        try:
            return self.fake.talk(call)
        except DroppedError:
            raise requests.ConnectionError from None

    def _count(self, day: str, costs: int, charged: int) -> None:
        if charged <= 0:  # it did not come there, nobody was logged in, or nothing was left
            self.refused += 1
            charged = costs
        self.units[day] = self.units.get(day, 0) + charged

    def _die(self) -> None:
        self.kill_at = ""
        self.aside.ask(self.kill)
