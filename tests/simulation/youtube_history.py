"""One history of a login at a faithful YouTube: what people, servers and machines do to it, in virtual time.

One seed is one history. neverdark's own parts are the real ones, but for the processes and the loop; see
`youtube_checks` for what must hold.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import requests

from supervisor.config.youtube import AccountSection, PlaceSection
from supervisor.platforms.interface import Order, Place
from supervisor.platforms.youtube.calls import World
from supervisor.platforms.youtube.client import Client
from supervisor.platforms.youtube.http import new_session
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.login import Login, Parts
from supervisor.platforms.youtube.memory_file import MemoryFile
from supervisor.platforms.youtube.model import Page
from supervisor.platforms.youtube.oauth import Grant, OAuth
from supervisor.platforms.youtube.tokens import Tokens
from tests.simulation.youtube_checks import Checks, WrongError
from tests.simulation.youtube_line import Line, Spoiler, writes
from tests.youtube.call import Answer, Call
from tests.youtube.clock import Clock
from tests.youtube.direct import Direct
from tests.youtube.fake import FakeYouTube
from tests.youtube.model import ON_SHOW, UPCOMING, Broadcast, State, Stream
from tests.youtube.oauth import TV
from tests.youtube.trouble import DroppedError

_BEGINS = 1_793_000_000.0
_MOST_LAG = 15.0


class Killed(BaseException):
    """neverdark is."""


class Spot:
    """A destination, and what its encoder does."""

    def __init__(self, place: Place, stream: Stream, section: PlaceSection) -> None:
        self.place = place
        self.stream = stream
        self.section = section
        self.sends = True  # and the ingest acknowledges it
        self.arrives = True  # it is received


class History:
    """`run` lives it; raises `youtube_checks.WrongError`."""

    def __init__(self, seed: int, folder: Path, hours: float = 10.0, *, faults: float = 0.0) -> None:
        """`faults`: in an hour, on the average; 0: by chance."""
        self.random = Random(seed)
        self.folder = folder
        self.time = _BEGINS + self.random.uniform(0, 86_400)
        self.until = self.time + hours * 3600
        self.fake = FakeYouTube(port=9, clock=Clock(lambda: self.time))
        self.kill_at = ""
        self.reload_in_call = False
        self.spoiler = Spoiler(self.fake, self.random, self.pass_, self._call_was_spoilt)
        self.said: list[str] = []
        self.orders: list[tuple[float, Order]] = []
        self._next: Login | None = None  # the login of a reload, while the one before is in a look
        self._pause = 3600 / (faults or self.random.choice((3.0, 12.0)))
        self._later: list[tuple[float, int, str, Callable[[], object]]] = []
        self._marks = 0
        self._numbers = 0
        self._set_up()
        self.spots = {spot.place: spot for spot in map(self._spot, range(self.random.choice((1, 1, 2, 3))))}
        self.checks = Checks(self)
        self.memory = MemoryFile(self.folder / "memory")
        self.login = self._begin()

    # --- the scene ---------------------------------------------------------------------------------

    def _set_up(self) -> None:
        rules, chance = self.fake.rules, self.random
        rules.list_lag = chance.choice((0.0, 0.0, chance.uniform(0, _MOST_LAG)))
        rules.live_starting = chance.choice((0.0, chance.uniform(0, 40)))
        rules.active_after = chance.choice((0.0, chance.uniform(0, 20)))
        rules.inactive_after = chance.choice((0.0, chance.uniform(0, 20)))
        rules.complete_again = chance.choice(("redundantTransition", "invalidTransition"))
        rules.unwritten = (chance.choice((400, 403)), chance.choice(("invalidTransition", "errorStreamInactive")))
        secret = self.folder / "secret"
        secret.write_text(TV.client_secret)
        secret.chmod(0o600)
        self.section = AccountSection.model_validate(
            {
                "client_id": TV.client_id,
                "client_secret_file": str(secret),
                "token_file": str(self.folder / "token"),
                **self.fake.urls,
            }
        )
        self.log_in()

    def _spot(self, number: int) -> Spot:
        chance = self.random
        key = f"key-{number}"
        stream = self.fake.studio.stream(key)
        self.fake.ingest.sends(key)
        row = {
            "account": "main",
            "stream_id": stream.id,
            "poll": chance.choice((30, 60, 60, 120)),
            "broadcast": {
                "title": f"cam{number} {{counter}}",
                "manage": chance.random() < 0.9,
                "adopt": chance.random() < 0.3,
            },
        }
        if row["broadcast"]["manage"] and chance.random() < 0.4:  # type: ignore[index]
            row["rotate"] = {"every": chance.choice((3600, 7200, 4 * 3600))}
        return Spot((f"cam{number}", "youtube"), stream, PlaceSection.model_validate(row))

    def log_in(self) -> None:
        """As `neverdark youtube login` does."""
        self._tokens().save(Grant("none", self.fake.oauth.granted(), 0.0))

    def _tokens(self) -> Tokens:
        session = new_session()
        session.mount("http://", Direct(self.fake))
        return Tokens(self.section, OAuth(self.section, session), wall=self.now, clock=self.now)

    def now(self) -> float:
        """Both of neverdark's clocks."""
        return self.time

    def _begin(self) -> Login:
        """As a neverdark does that starts with what is on the disk."""
        self.session = Line(self.talk)
        tokens = Tokens(self.section, OAuth(self.section, self.session), wall=self.now, clock=self.now)
        self.ledger = Ledger(self.section.quota, self.folder / "quota", self.now)
        client = Client(
            self.section, tokens, self.ledger, self.session, world=World(self.now, self.pass_, self.random.random)
        )
        parts = Parts(client, self.ledger, tokens, self.memory, lambda _: Page.UNKNOWN, Counter())
        login = Login("main", self.section, parts, self.now, self.now, self._marker)
        login.follow({spot.place: spot.section for spot in self.spots.values()})
        return login

    def _marker(self) -> str:
        self._marks += 1
        return f"[nd-{self._marks}]"

    # --- time --------------------------------------------------------------------------------------

    def pass_(self, seconds: float) -> None:
        """So much time goes by in the middle of a look."""
        self.time += seconds

    def tell(self, words: str) -> None:
        """For who reads the history."""
        self.said.append(f"{self.time - _BEGINS:9.1f} {words}")

    def later(self, seconds: float, words: str, act: Callable[[], object]) -> None:
        """It happens then."""
        self._numbers += 1
        self._later.append((self.time + seconds, self._numbers, words, act))

    def run(self) -> None:
        """Live it."""
        self._plan_next()
        while self.time < self.until:
            self._later.sort(key=lambda row: row[:2])
            at = max(self.time, min(self.login.due, self.time + 60.0))
            if self._later[0][0] <= at:
                at, _, words, act = self._later.pop(0)
                self.time = max(self.time, at)
                self.checks.moment()
                self.tell(words)
                act()
                self.checks.moment()
                continue
            self.time = at
            if self.login.due <= self.time:
                self._look()
            self.checks.moment()
            self.time += 0.5
        self.checks.end()

    def _look(self) -> None:
        sends: Mapping[Place, bool] = {spot.place: spot.sends for spot in self.spots.values()}
        try:
            orders, asked = self.login.look(sends)
        except Killed:
            self.kill_at = ""
            self.tell("  neverdark is killed in a call")
            self._next = None
            self.start_again()
            return
        if self._next:
            self.login, self._next = self._next, None
        for order in orders:
            self.tell(f"  order {order.deed} {order.place[0]}: {order.why}")
            self.checks.ordered(order)
            self.orders.append((self.time, order))
        for one in asked:
            self.tell(f"  {one.place[0]} {one.what}: {one.result} {one.address or ''}")

    def start_again(self) -> None:
        """neverdark begins with what is on the disk."""
        self.checks.began_again()
        self.memory = MemoryFile(self.folder / "memory")
        self.login = self._begin()

    # --- what goes wrong ---------------------------------------------------------------------------

    def _plan_next(self) -> None:
        self.later(self.random.expovariate(1 / self._pause), "", self._something)

    def _something(self) -> None:
        self._plan_next()
        acts = (
            *(self._ends,) * 5,
            *(self._deletes, self._foreign, self._foreign, self._starts, self._revokes_one),
            *(self._encoder_dies, self._encoder_dies, self._line_drops, self._complaints),
            *(self._spoils,) * 6,
            *(self._stuck, self._limits, self._consent, self._quota, self._permission, self._lags),
            *(self._killed, self._killed, self._killed_in_call, self._killed_in_call, self._disk, self._reload),
        )
        first = self.random.choice(acts)
        first()
        if self.random.random() < 0.4:
            self.later(self.random.expovariate(1 / 20), "", self.random.choice(acts))

    def _spot_by_chance(self) -> Spot:
        return self.random.choice(list(self.spots.values()))

    def _of(self, spot: Spot) -> list[Broadcast]:
        return [one for one in self.fake.studio.all() if self.checks.owner(one) is spot or one.stream == spot.stream.id]

    def _one(self, states: frozenset[State] | set[State]) -> Broadcast | None:
        found = [one for one in self._of(self._spot_by_chance()) if one.state in states]
        return self.random.choice(found) if found else None

    def _ends(self) -> None:
        if one := self._one({State.LIVE, State.TESTING, State.LIVE_STARTING}):
            self.tell(f"a person ends {one.id}")
            self.fake.studio.end(one)

    def _deletes(self) -> None:
        if one := self._one(ON_SHOW | UPCOMING | {State.COMPLETE}):
            self.tell(f"a person deletes {one.id}, {one.state}")
            self.fake.studio.delete(one)

    def _starts(self) -> None:
        if one := self._one(UPCOMING):
            self.tell(f"a person starts {one.id}")
            self.fake.studio.start(one)

    def _revokes_one(self) -> None:
        if self.random.random() < 0.2 and (one := self._one({State.LIVE})):
            self.tell(f"YouTube revokes {one.id}")
            self.fake.studio.revoke(one)
            self.later(self.random.uniform(600, 7200), f"a person deletes {one.id}", lambda: self._gone(one))

    def _foreign(self) -> None:
        chance, spot = self.random, self._spot_by_chance()
        bound = spot.stream if chance.random() < 0.8 else None
        state = chance.choice((State.READY, State.LIVE, State.LIVE)) if bound else State.CREATED
        one = self.fake.studio.broadcast(
            "A person's",
            stream=bound,
            state=state,
            monitor=chance.random() < 0.3,
            enableAutoStart=chance.random() < 0.3,
            enableAutoStop=chance.random() < 0.5,
        )
        self.tell(f"a person makes {one.id} on {spot.place[0]}, {one.state}")
        if chance.random() < 0.8:
            self.later(chance.expovariate(1 / 1800), f"a person removes {one.id}", lambda: self._gone(one))

    def _gone(self, one: Broadcast) -> None:
        if any(other.id == one.id for other in self.fake.studio.all()):
            self.fake.studio.end(one) if self.random.random() < 0.5 else self.fake.studio.delete(one)

    def _encoder_dies(self) -> None:
        spot, lasts = self._spot_by_chance(), self.random.choice((10.0, 40.0, 120.0, 1800.0))
        self.tell(f"the encoder of {spot.place[0]} dies")
        spot.sends = False
        if self.random.random() < 0.7:
            self._arrives(spot, yes=False)
        elif (one := self._one({State.LIVE})) and one.stream == spot.stream.id:
            self.later(5.0, f"a person ends {one.id}", lambda: self._gone(one))

        def again() -> None:
            spot.sends = True
            self._arrives(spot, yes=True)

        self.later(self.random.uniform(0.5, 1.5) * lasts, f"the encoder of {spot.place[0]} sends", again)

    def _line_drops(self) -> None:
        spot = self._spot_by_chance()
        self.tell(f"what {spot.place[0]} sends is not received")
        self._arrives(spot, yes=False)
        again: Callable[[], object] = lambda: self._arrives(spot, yes=spot.sends)  # noqa: E731
        self.later(self.random.uniform(5, 1500), f"what {spot.place[0]} sends is received", again)

    def _arrives(self, spot: Spot, *, yes: bool) -> None:
        spot.arrives = yes
        self.fake.ingest.sends(spot.stream.key, yes=yes)

    def _complaints(self) -> None:
        spot = self._spot_by_chance()
        self.fake.ingest.health(spot.stream.key, self.random.choice(("bad", "ok")))
        self.fake.ingest.issues(spot.stream.key, "gopSizeLong", severity=self.random.choice(("warning", "error")))

        def well() -> None:
            self.fake.ingest.health(spot.stream.key, "good")
            self.fake.ingest.issues(spot.stream.key)

        self.later(self.random.uniform(60, 1800), f"the ingest is content with {spot.place[0]}", well)

    @property
    def spoilt(self) -> bool:
        """Calls are, at times."""
        return bool(self.spoiler.how[0])

    def _call_was_spoilt(self) -> None:
        self.checks.spoilt()

    def talk(self, call: Call) -> Answer:
        """What is asked is checked, and spoilt at times. Raises what requests does, and Killed."""
        self.checks.asked(call)
        killed = self.kill_at and writes(call)
        if killed and self.kill_at == "before":
            raise Killed
        self.spoiler.spoil(call)
        self.reload_now()
        try:
            return self.fake.talk(call)
        except DroppedError:
            raise requests.ConnectionError from None
        finally:
            self.checks.answered(call)
            if killed:
                raise Killed

    def _spoils(self) -> None:
        self.spoiler.draw()
        self.tell(f"calls are spoilt: {self.spoiler.how}")
        self.later(self.random.choice((20.0, 120.0, 900.0, 4000.0)), "calls are well", self._well)

    def _well(self) -> None:
        if self.spoilt:
            self.checks.spoilt()
        self.spoiler.how = ("", 0.0, "")

    def _rule(self, name: str, value: object, lasts: float) -> None:
        before = getattr(self.fake.rules, name)
        setattr(self.fake.rules, name, value)
        self.tell(f"{name} is {value}")

        def back() -> None:
            setattr(self.fake.rules, name, before)
            self.checks.ends(name)

        self.checks.begins(name)
        self.later(lasts, f"{name} is {before}", back)

    def _stuck(self) -> None:
        if not self.fake.rules.stuck:
            self._rule("stuck", {State.LIVE_STARTING, State.TEST_STARTING}, self.random.uniform(30, 1500))

    def _limits(self) -> None:
        if self.fake.rules.concurrent_limit > 1:
            self._rule("concurrent_limit", 1, self.random.uniform(300, 7200))

    def _lags(self) -> None:
        self.fake.rules.list_lag = self.random.uniform(0, _MOST_LAG)

    def _consent(self) -> None:
        self.tell("the consent is revoked")
        self.fake.oauth.revoke()
        self.checks.begins("consent")

        def again() -> None:
            self.log_in()
            self.checks.ends("consent")

        self.later(self.random.uniform(60, 3 * 3600), "somebody logs in", again)

    def _quota(self) -> None:
        if self.random.random() < 0.3:
            self.tell("another program uses the quota up")
            self.fake.quota.use_up()

    def _permission(self) -> None:
        reason = self.random.choice(("livePermissionBlocked", "liveStreamingNotEnabled"))
        method = self.random.choice(("liveBroadcasts.insert", "liveBroadcasts.transition"))
        before = list(self.fake._all)
        self.fake.fail(method, reason, code=403, times=None)
        trouble = next(one for one in self.fake._all if one not in before)
        self.tell(f"{method}: {reason}")
        self.checks.begins("permission")

        def again() -> None:
            self.fake._all.remove(trouble)
            self.checks.ends("permission")

        self.later(self.random.uniform(60, 5000), f"{method} is permitted", again)

    def _killed(self) -> None:
        self.tell("neverdark is killed")
        self.start_again()

    def _killed_in_call(self) -> None:
        self.kill_at = self.random.choice(("before", "after"))
        self.tell(f"neverdark will be killed {self.kill_at} a call")

    def _disk(self) -> None:
        blocks = [self.folder / f"{name}.new" for name in ("memory", "quota")]
        if any(block.exists() for block in blocks):
            return
        self.tell("nothing can be written")
        self.checks.begins("disk")
        for block in blocks:
            block.mkdir()

        def back() -> None:
            for block in blocks:
                shutil.rmtree(block)
            self.checks.ends("disk")

        self.later(self.random.uniform(30, 4000), "it can be written", back)

    def _reload(self) -> None:
        self.tell("the account's section changes")
        self.section = self.section.model_copy(update={"page_url": f"http://127.0.0.1:{self.random.randrange(1, 99)}"})
        if self.random.random() < 0.7:
            self.reload_in_call = True
        else:
            self.checks.began_again()
            self.login = self._begin()

    def reload_now(self) -> None:
        """In the middle of a call the configuration changes."""
        if self.reload_in_call:
            self.reload_in_call = False
            self._next = self._begin()
            self.checks.began_again()


def main() -> int:
    """Many histories, by hand."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.youtube_history")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--hours", type=float, default=5.0)
    options = parser.parse_args()
    bad = 0
    for seed in range(options.seed, options.seed + options.seeds):
        with TemporaryDirectory(prefix="neverdark-youtube-") as folder:
            history = History(seed, Path(folder), options.hours)
            try:
                history.run()
            except WrongError as wrong:
                bad += 1
                print("\n".join(history.said[-40:]), f"seed {seed}: {wrong}", sep="\n", flush=True)
    print(f"{options.seeds} histories, {bad} bad")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
