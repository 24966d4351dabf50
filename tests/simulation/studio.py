"""What people, other programs and Google do to the channel of a world, and how long its streams need to be well again.

A fault of these lasts until viewers have a broadcast again and neverdark has had the time to see it. How long that may
take is bounded from the end of what excuses neverdark: see `Need`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.simulation.channel import Channel, Spot
from tests.simulation.fault import Fault
from tests.youtube.model import ON_SHOW, UPCOMING, Broadcast, State

# Written a second time on purpose.
_CONFIRM = 15.0  # what may be a lag of lists is believed after so long
_LOOK = 5.0  # between two steps
_STEPS = 6  # a new one, in the lists, its stream, live, and two that were in vain
_AUTO_START = 20.0
_TAKES = 60.0  # a change that was refused is not asked for again before
_LISTED = 30.0
_BLIND = 1800.0  # the longest time between two looks
_STUCK = 180.0
_INSERT_EVERY = 600.0
_INSERTS_A_DAY = 8
_TICK = 2.0  # neverdark sees once a second what is due
_FLOWS = 40.0  # until neverdark believes that what is sent arrives
_BEGINS = 10.0  # a neverdark, and its first look
_LATE = 5.0
_DAY = 86_400.0
_CLOSING = 50.0  # an incident closes after 30 s
_LAST_UNITS = 150
_DOOMED_FOR = 600.0
_OF_THE_CHANNEL = frozenset({"youtube_spoilt", "youtube_slow", "youtube_consent", "youtube_stuck"})
_STARTING = frozenset({State.LIVE_STARTING, State.TEST_STARTING})


class Excuse(NamedTuple):
    """The latest thing that kept neverdark from a repair, until when, and for how long it waits after it."""

    why: str = "begins"
    until: float = 0.0
    wait: float = 0.0


class Studio:
    """Of one channel."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.world = channel.world
        self.excuses = {name: Excuse() for name in channel.spots}
        self.dark_since = dict.fromkeys(channel.spots, 0.0)  # viewers have nothing; inf: they do
        self.live_since = dict.fromkeys(channel.spots, float("inf"))
        self.inserted: dict[str, list[float]] = {name: [] for name in channel.spots}  # virtual, but for rotations
        self._pending: list[tuple[Fault, Callable[[], None]]] = []
        self._random = channel.random

    def begin(self) -> None:
        """The world does."""
        self.channel.begin()
        for name in self.channel.spots:
            self.world.cause(Fault(0.0, "youtube_new", name))

    # --- what happens ------------------------------------------------------------------------------

    def carry_out(self, fault: Fault, ended: Callable[[], None]) -> bool:
        """It begins. False: there is nothing that it could happen to."""
        spot = self.channel.spots.get(fault.stream)
        if spot is None:
            return False
        self.channel.look()
        match fault.kind:
            case "youtube_ended" | "youtube_deleted":
                if not self._takes_away(fault, spot):
                    return False
            case "youtube_foreign" | "youtube_elsewhere":
                self._makes(fault, spot)
            case "youtube_unreceived" | "youtube_unwell":
                self._complains(fault, spot)
            case "youtube_quota":
                self.channel.fake.quota.use_up()
            case _:
                self._begins(fault)
        self.second()
        self._pending.append((fault, ended))
        return True

    def _takes_away(self, fault: Fault, spot: Spot) -> bool:
        states = ON_SHOW if fault.kind == "youtube_ended" else ON_SHOW | UPCOMING
        found = [one for one in self._on(spot) if one.state in states]
        if not found:
            return False
        studio, one = self.channel.fake.studio, self._random.choice(found)
        studio.end(one) if fault.kind == "youtube_ended" else studio.delete(one)
        return True

    def _on(self, spot: Spot) -> list[Broadcast]:
        return [one for one in self.channel.fake.studio.all() if one.stream == spot.stream.id]

    def _makes(self, fault: Fault, spot: Spot) -> None:
        chance, here = self._random, fault.kind == "youtube_foreign"
        one = self.channel.fake.studio.broadcast(
            "A person's",
            stream=spot.stream if here else None,
            state=chance.choice((State.READY, State.LIVE, State.LIVE)) if here else State.CREATED,
            monitor=chance.random() < 0.3,
            enableAutoStart=chance.random() < 0.3,
            enableAutoStop=chance.random() < 0.5,
        )
        self.world.agenda.later(fault.lasts, lambda: self._removes(one))

    def _removes(self, one: Broadcast) -> None:
        studio = self.channel.fake.studio
        if any(other.id == one.id for other in studio.all()):
            studio.end(one) if self._random.random() < 0.5 else studio.delete(one)

    def _complains(self, fault: Fault, spot: Spot) -> None:
        ingest, key = self.channel.fake.ingest, spot.stream.key
        spot.troubles.begin(fault.kind)
        if fault.kind == "youtube_unwell":
            ingest.health(key, "bad")
            ingest.issues(key, "gopSizeLong", severity=self._random.choice(("warning", "error")))

        def well() -> None:
            spot.troubles.end(fault.kind)
            if not spot.troubles.has("youtube_unwell"):
                ingest.health(key, "good")
                ingest.issues(key)

        self.world.agenda.later(fault.lasts, well)

    def doom(self, away: float, back: Callable[[], None], spared: Callable[[], None]) -> bool:
        """Like `lives.Lives.doom`, in the next call that changes something."""
        channel, world = self.channel, self.world
        if channel.kill_at or not world.lives.settled:
            return False

        def die() -> None:
            if not world.lives.end("kill", away, back):
                spared()

        def spare() -> None:
            if channel.kill_at:
                channel.kill_at = ""
                spared()

        channel.kill = die
        channel.kill_at = self._random.choice(("before", "after"))
        world.agenda.later(_DOOMED_FOR, spare)
        return True

    def _begins(self, fault: Fault) -> None:
        """Something is wrong with all of it."""
        channel, troubles = self.channel, self.channel.troubles
        first = not troubles.has(fault.kind)
        troubles.begin(fault.kind)
        if first and fault.kind == "youtube_spoilt":
            channel.spoiler.draw()
        if first and fault.kind == "youtube_consent":
            channel.fake.oauth.revoke()
        if fault.kind == "youtube_stuck":
            channel.fake.rules.stuck = set(_STARTING)

        def over() -> None:
            troubles.end(fault.kind)
            if troubles.has(fault.kind):
                return
            match fault.kind:
                case "youtube_spoilt":
                    channel.spoiler.how = ("", 0.0, "")
                    channel.fake.clear()
                case "youtube_consent":
                    channel.log_in()
                case "youtube_stuck":
                    channel.fake.rules.stuck = set()

        self.world.agenda.later(fault.lasts, over)

    # --- what is so --------------------------------------------------------------------------------

    def second(self) -> None:
        """A second is over."""
        self.channel.look()
        now = self.world.now
        for name, spot in self.channel.spots.items():
            if self.channel.is_live(spot):
                self.live_since[name] = min(self.live_since[name], now)
                self.dark_since[name] = float("inf")
            else:
                self.dark_since[name] = min(self.dark_since[name], now)
                self.live_since[name] = float("inf")
            if why := self._why(spot):
                self.excuses[name] = Excuse(why, now, self._reached(spot))
        for one in list(self._pending):
            fault, ended = one
            if now >= self._over(fault) and self._is_well(self.channel.spots[fault.stream], now):
                self._pending.remove(one)
                ended()

    def _over(self, fault: Fault) -> float:
        return fault.at + fault.lasts

    def _is_well(self, spot: Spot, now: float) -> bool:
        """Viewers have it, and neverdark has had the time to see it, and that nothing else is wrong."""
        name = spot.place[0]
        excuse = self.excuses[name]
        since = max(self.live_since[name], excuse.until + excuse.wait)
        beside = [one for one in self._on(spot) if one.state in ON_SHOW | UPCOMING]
        return len(beside) == 1 and now - since >= self.sees_in(spot)

    def _why(self, spot: Spot) -> str:  # noqa: PLR0911 - one line a reason
        """What keeps neverdark from a repair now; empty: nothing."""
        channel, world, now = self.channel, self.world, self.world.now
        lives = world.lives
        if not lives.present or now - lives.latest.began < _BEGINS or channel.login is None:
            return "no neverdark"
        if now - spot.since < _FLOWS:
            return "not sent"
        if world.line.down or world.line.nameless:
            return "the line"
        if any(one.fault.kind == "late_loop" and (one.ended or now) > now - _LATE for one in world.faults[-30:]):
            return "no time"
        if bad := next((kind for kind in _OF_THE_CHANNEL if channel.troubles.has(kind)), ""):
            return bad
        if spot.troubles.has("youtube_unreceived") or not channel.fake.ingest.active(spot.stream):
            return "unreceived"
        day = channel.ledger.day
        used = max(channel.fake.quota.used, day.used)
        if used > channel.fake.rules.quota_limit - _LAST_UNITS or day.closed_until > world.wall():
            return "quota"
        if len([at for at in self.inserted[spot.place[0]] if now - at < _DAY]) >= _INSERTS_A_DAY:
            return "inserts a day"
        return ""

    def _reached(self, spot: Spot) -> float:
        """Seconds for which neverdark waits on, because of what has failed so far."""
        login = self.channel.login
        account = login._account if login else None
        desk = next((one for one in account.desks if one.place == spot.place), None) if account else None
        if login is None or desk is None:
            return 0.0
        planner, pauses = desk.planner, desk.planner._pauses
        until = max(login.due, pauses.no_insert_before, pauses.down_until, *pauses._asked.values(), 0.0)
        listed = _LISTED + _LOOK if planner.memory.intent else 0.0
        return max(listed, until - self.world.agenda.now, 0.0)

    def poll(self, spot: Spot) -> float:
        """Seconds between two looks while nothing seems to be wrong."""
        every = spot.section.poll
        if self.channel.login is None:
            return every
        return max(every, min(self.channel.ledger.stretched(every, 2), _BLIND))

    def sees_in(self, spot: Spot) -> float:
        """Seconds until neverdark has seen what is so now."""
        rules = self.channel.fake.rules
        return self.poll(spot) + _TICK + rules.list_lag + rules.inactive_after + _LOOK

    def bound(self, spot: Spot) -> float:
        """Seconds in which viewers have a broadcast again, where nothing excuses neverdark any more.

        A look finds it, and believes it at the second one where the broadcast is not even there. Then each step is
        followed by a look, and lists are as old as they are. What was made less than ten minutes ago is waited for.
        """
        rules, now = self.channel.fake.rules, self.world.now
        bound = self.sees_in(spot) + _CONFIRM + _STEPS * (_LOOK + rules.list_lag)
        bound += rules.live_starting + rules.active_after + _AUTO_START
        if rules.list_lag:
            bound += _TAKES  # something was asked for that was not so any more
        made = [at for at in self.inserted[spot.place[0]] if now - at < _INSERT_EVERY + bound]
        if made:
            bound += _INSERT_EVERY + self.poll(spot)
        return bound
