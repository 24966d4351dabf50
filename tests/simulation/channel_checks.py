"""What must hold of streams at YouTube, in a world in which everything else may break as well."""

from __future__ import annotations

import json
from typing import Any

from supervisor.model import events
from supervisor.model.terms import Segment
from tests.simulation.channel import ACKNOWLEDGED, Channel
from tests.simulation.check import Check
from tests.simulation.fault import YOUTUBE
from tests.simulation.scene import Scene
from tests.simulation.studio import Studio
from tests.simulation.youtube_checks import Checks, Spot, WrongError
from tests.youtube.call import Call
from tests.youtube.model import Broadcast

_TOLD_IN = 3.0
_RESTARTS = frozenset({"youtube_unreceived", "youtube_unwell"})  # our processes are restarted for these alone
_ROUND = 5.0  # seconds that one round of calls may take without being slow


class Calls(Check):
    """No second insert, no foreign broadcast touched, no gap, nothing without the encoder; see `youtube_checks`."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        assert self.world.youtube
        self._rules = _Rules(self.world.youtube)
        self.world.youtube.ears.append(self)

    def asked(self, call: Call) -> None:
        """See `channel.Ear`."""
        self._held(lambda: self._rules.asked(call))

    def answered(self, call: Call) -> None:
        """See `channel.Ear`."""
        self._held(lambda: self._rules.answered(call))

    def second(self) -> None:
        self._held(self._rules.moment)

    def end(self) -> None:
        self._held(self._rules.end)

    def _held(self, look: Any) -> None:
        try:
            look()
        except WrongError as wrong:
            self.fail(str(wrong))


class _Rules(Checks):
    """Those of one login, where the world knows more of what excuses it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        super().__init__(channel)

    @property
    def _studio(self) -> Studio:
        assert self._channel.world.studio
        return self._channel.world.studio

    def asked(self, call: Call) -> None:
        """Before it is carried out."""
        super().asked(call)
        if call.name == "liveBroadcasts.insert":
            self._is_intended(call)

    def answered(self, call: Call) -> None:
        """After it."""
        known = len(self._made)
        super().answered(call)
        for at, spot in self._made[known:]:
            if not self._rotates(spot, self._live(spot)):
                self._studio.inserted[spot.place[0]].append(self._channel.virtual(at))

    def _live(self, spot: Spot) -> list[Broadcast]:
        return [one for one in self._fake.studio.live() if one.stream == spot.stream.id]

    def _is_intended(self, call: Call) -> None:
        """What was to be made is known after a loss of power, before it is asked for."""
        file = self._channel.world.place / "data" / "youtube-broadcasts.json"
        rows = json.loads(file.read_text()) if file.exists() else {"streams": {}}
        said = str(call.json()["snippet"]["description"])
        if not any(row["intent"] and row["intent"][0] in said for row in rows["streams"].values()):
            self.fail("no intent", f"nothing of {call.json()['snippet']['title']} is on the disk")

    def _sending(self, spot: Spot, call: Call) -> None:
        """It was acknowledged when the round of calls began."""
        slow = self._channel.troubles.has("youtube_slow") or self._channel.spoilt
        late = 300.0 if slow else _ROUND
        arrived = self._channel.spots[spot.place[0]].arrived
        if self._channel.world.now - arrived > ACKNOWLEDGED + late:
            self.fail("writes without encoder", f"{call.name} for {spot.place[0]}")

    def _rotates(self, spot: Spot, live: list[Broadcast]) -> bool:
        if spot.section.rotate is None:
            return False
        old = self._channel.time - spot.section.rotate.every + 1 + self._stepped()
        return any(one.by_api and one.started is not None and one.started <= old for one in live)

    def _stepped(self) -> float:
        return sum(abs(one.fault.detail) for one in self._channel.world.faults if one.fault.kind == "clock_step")

    def _calls_a_day(self, name: str, now: float) -> None:
        if not self._stepped():  # by its own clock it may be right
            super()._calls_a_day(name, now)

    def _calm(self, spot: Spot) -> bool:
        excuse = self._studio.excuses[spot.place[0]]
        return self._channel.world.now >= excuse.until + excuse.wait

    def _on_air(self, spot: Spot, studio: list[Broadcast]) -> None:
        """See `LiveInTime`."""


class LiveInTime(Check):
    """Viewers have a broadcast again within the ladder's bound, from the end of what excuses neverdark."""

    def second(self) -> None:
        studio, now = self.world.studio, self.world.now
        assert studio
        for name, spot in studio.channel.spots.items():
            dark, excuse = studio.dark_since[name], studio.excuses[name]
            last = max((one.began for one in self.world.faults if self._is_of(one, name)), default=0.0)
            since = max(dark, last, excuse.until + excuse.wait)
            if now > since and now - since > (bound := studio.bound(spot)):
                said = f"{excuse.why} until {excuse.until:.0f}, and {excuse.wait:.0f} s"
                self.fail(f"{name} has no live broadcast since {dark:.0f}; excused by {said}; bound {bound:.0f} s")

    def _is_of(self, one: Any, name: str) -> bool:
        """Something that may come between two steps of a repair."""
        return one.fault.stream == name and one.fault.kind in YOUTUBE


class PidsStay(Check):
    """No process of ours changes because of what happens at the platform alone."""

    def hear(self, fact: Any) -> None:
        if not isinstance(fact, events.ProcessExited) or fact.left or not self.scene.wanted.get(fact.key.stream):
            return
        kinds = {spell.fault.kind for spell in self.scene.covering(fact.key.stream, self.world.now)}
        if kinds and kinds <= YOUTUBE - _RESTARTS:
            self.fail(f"{fact.key} has ended ({fact.cause}), and there was nothing but {', '.join(sorted(kinds))}")


class PlatformTold(Check):
    """For each broadcast that is made because one is missing, an incident is open that names the platform."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._due: list[tuple[float, str]] = []
        self._seen: dict[str, int] = {}

    def second(self) -> None:
        studio, now = self.world.studio, self.world.now
        assert studio
        for name, times in studio.inserted.items():
            for at in times[self._seen.get(name, 0) :]:
                self._due.append((at + _TOLD_IN, name))
            self._seen[name] = len(times)
        for one in [one for one in self._due if one[0] <= now]:
            self._due.remove(one)
            if one[0] - _TOLD_IN > self.world.lives.latest.began:
                self._look(one[1])

    def _look(self, name: str) -> None:
        if not self.scene.wanted.get(name):
            return
        known = self.world.engine.incidents(None) or ()
        mine = [one for one in known if one.stream == name and one.closed is None]
        if not any(Segment.PLATFORM in {one.segment, *(found.segment for found in one.findings)} for one in mine):
            self.fail(f"{name} was given a new broadcast, and no open incident names the platform")


class LedgerTrue(Check):
    """neverdark has counted the units that the fake has, and those of calls that never came there."""

    def minute(self, snapshot: Any) -> None:
        del snapshot
        channel = self.world.youtube
        assert channel
        stepped = any(one.fault.kind == "clock_step" for one in self.world.faults)
        if channel.login is None or stepped or channel.aside.busy:
            return
        day = channel.ledger.day
        if day.closed_until > self.world.wall() or day.used >= channel.section.quota.limit:
            return  # what the server says counts
        if day.used != (counted := channel.units.get(day.date, 0)):
            self.fail(f"neverdark has counted {day.used} units of {day.date}, and there were {counted}")


OF_YOUTUBE: tuple[type[Check], ...] = (Calls, LiveInTime, PidsStay, PlatformTold, LedgerTrue)
