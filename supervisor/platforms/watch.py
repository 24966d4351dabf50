"""Asks the platforms, each login in a thread of its own, and has done what they ask of our processes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from supervisor.config.shape import Config
from supervisor.model import events
from supervisor.model.facts import Fact
from supervisor.model.platforms import LoginState, Opinion, PlatformState
from supervisor.model.terms import Check, Trouble, Verdict
from supervisor.platforms.interface import Asked, Order, Place, Platform

T = TypeVar("T")
LoginsOf = Callable[[Iterable[Config]], Mapping[str, Platform]]  # those that configurations ask for
_TICK = 1.0
_AFTER_A_MISTAKE = 60.0
_GATHER_EVERY = 15.0  # seconds: some of it is a matter of how long it has lasted, and changes without a look


class Machine(Protocol):
    """What is needed of it: the clock, and a thread for what may hang."""

    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def apart(self, work: Callable[[], T]) -> Awaitable[T]:
        """What `work` returns or raises, from a thread of its own."""
        ...


class PlatformWatch:
    """Lives on the engine's loop.

    `sends` tells whether the ingest acknowledges what a destination sends, `soundless` whether no sound is in that;
    `obey` has an order done.
    """

    def __init__(
        self,
        machine: Machine,
        sends: Callable[[Place], bool],
        obey: Callable[[Order], None],
        tell: events.Tell,
        soundless: Callable[[Place], bool] = lambda _: False,
    ) -> None:
        self._logins: Mapping[str, Platform] = {}
        self._machine = machine
        self._sends = sends
        self._obey = obey
        self._soundless = soundless
        self._tell = tell
        self._busy: dict[str, asyncio.Future[None]] = {}
        self._found: dict[tuple[Place, Check], Trouble] = {}
        # By login. Putting them together is dear: not for everybody who asks.
        self._states: dict[str, Sequence[PlatformState]] = {}
        self._opinions: Mapping[Place, Mapping[Check, Opinion]] = {}
        self._gathered = float("-inf")
        self._untold = False
        self._stopped: set[str] = set()  # streams: until they are sent again, nothing is told of them

    @property
    def logins(self) -> Mapping[str, Platform]:
        """Those that are looked at, by name."""
        return self._logins

    @logins.setter
    def logins(self, logins: Mapping[str, Platform]) -> None:
        self._logins = logins
        self._states = {}
        self._gather(logins)

    def hear(self, fact: Fact) -> None:
        """With a stop what is open of a stream is over for all others, too: what is bad afterwards is told anew."""
        match fact.what:
            case events.StreamWanted(stream, wanted=False):
                self._stopped.add(stream)
                self._found = {key: cause for key, cause in self._found.items() if key[0][0] != stream}

    async def run_forever(self) -> None:
        """Look when it is due: one look of a login at a time, also where it was made anew meanwhile."""
        while True:
            for name, login in self._logins.items():
                if name not in self._busy and login.due <= self._machine.now():
                    self._busy[name] = asyncio.ensure_future(self._look(name, login))
            if self._machine.now() - self._gathered >= _GATHER_EVERY:
                self._gathered = self._machine.now()
                self._gather(self._logins)
            if self._untold:
                self._note()
            await asyncio.sleep(_TICK)

    async def _look(self, name: str, login: Platform) -> None:
        try:
            await self._look_at(name, login)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not leave the others without a look
            self._tell(events.InternalError(f"a look at a platform for {name or 'a page'}", type(error).__name__))
            await asyncio.sleep(_AFTER_A_MISTAKE)
        finally:
            del self._busy[name]

    async def _look_at(self, name: str, login: Platform) -> None:
        places = [(one.stream, one.destination) for one in self._states.get(name, ())]
        sends = {place: self._sends(place) for place in places}
        self._stopped -= {stream for (stream, _), sent in sends.items() if sent}
        soundless = frozenset(place for place in places if self._soundless(place))
        orders, asked = await self._machine.apart(partial(login.look, sends, soundless))
        self._gather([name] if name in self._logins else [])
        self._note()  # first what is wrong, and then what was done about it
        for one in asked:
            self._told(one)
        for order in orders:
            self._obey(order)

    def _told(self, asked: Asked) -> None:
        self._tell(
            events.PlatformAsked(*asked.place, asked.what, asked.result, asked.helped, asked.address, asked.action)
        )

    # --- what is known -----------------------------------------------------------------------------

    def states(self) -> Sequence[PlatformState]:
        """Of all destinations, as of the latest look, or of a few seconds ago."""
        return [state for known in self._states.values() for state in known]

    def login_states(self) -> Sequence[LoginState]:
        """Of all logins."""
        return [state for login in self._logins.values() if (state := login.login())]

    def opinions(self, place: Place) -> Mapping[Check, Opinion]:
        """What the platform's checks find about a destination; as old as the states."""
        return self._opinions.get(place, {})

    def _gather(self, names: Iterable[str]) -> None:
        """What these logins know may have changed."""
        self._states |= {name: self._logins[name].states() for name in names}
        self._opinions = {(state.stream, state.destination): state.opinions for state in self.states()}
        self._untold = True

    def _note(self) -> None:
        """Tell what has begun to be bad, and what has ceased to be."""
        self._untold = False
        for place, opinions in self._opinions.items():
            for check, opinion in opinions.items():
                if opinion.verdict is not Verdict.UNKNOWN and place[0] not in self._stopped:
                    self._enter((place, check), opinion)
        for key in [key for key in self._found if key[0] not in self._opinions]:
            self._over(key)  # nobody looks any more

    def _enter(self, key: tuple[Place, Check], opinion: Opinion) -> None:
        found = self._found.get(key)
        bad = opinion.verdict is Verdict.UNHEALTHY and opinion.cause is not None
        if found and (not opinion.cause or (bad and opinion.cause is not found)):
            self._over(key)
            found = None
        if bad and not found and opinion.cause:
            self._found[key] = opinion.cause
            self._tell(events.PlatformFound(*key[0], opinion.cause, opinion.said))

    def _over(self, key: tuple[Place, Check]) -> None:
        address = next((one.address for one in self.states() if (one.stream, one.destination) == key[0]), None)
        self._tell(events.PlatformGood(*key[0], self._found.pop(key), address))
