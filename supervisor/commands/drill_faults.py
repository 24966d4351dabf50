"""How a drill breaks something of a running neverdark's: by a signal of ours, or by asking neverdark to do it."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from supervisor.commands.api import Api, ApiError
from supervisor.drills import rules
from supervisor.drills.rules import CannotDrill, DrillPlace, Inapplicable
from supervisor.machine.faults import Grip, NotOurs
from supervisor.model.drills import Drill
from supervisor.model.terms import State

LOOK = 0.1  # seconds between two looks at the API
_PATIENCE = 5.0  # for an API that does not answer for a moment, as on a busy machine
_AIM = 10.0  # to get hold of a process that is being replaced
_CONFLICT, _SERVER_ERROR = 409, 500


class DrilledStream:
    """The API of one stream, as a drill uses it. Every method raises ApiError."""

    def __init__(self, api: Api, name: str) -> None:
        self.name = name
        self._api = api

    def now(self) -> Any:
        """The stream at this moment."""
        return self._patiently(lambda: self._api.get(f"/api/streams/{self.name}"))

    def incidents(self) -> list[dict[str, Any]]:
        """Its incidents, the newest first."""
        answer = self._patiently(lambda: self._api.get(f"/api/streams/{self.name}/incidents"))
        incidents: list[dict[str, Any]] = answer["incidents"]
        return incidents

    @staticmethod
    def _patiently(ask: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return ask()
            except ApiError as error:
                if (error.status or _SERVER_ERROR) < _SERVER_ERROR or time.monotonic() > deadline:
                    raise
            time.sleep(LOOK)

    def announce(self, seconds: int, fault: Drill | None = None, destination: str | None = None) -> None:
        """For so many seconds what fails is a drill; `fault` is caused by neverdark. Raises Inapplicable."""
        try:
            self._api.post(f"/api/streams/{self.name}/drill", seconds=seconds, fault=fault, destination=destination)
        except ApiError as error:
            if error.status == _CONFLICT:
                raise Inapplicable(str(error)) from None
            raise

    def withdraw(self) -> None:
        """What fails from now on is no drill."""
        with contextlib.suppress(ApiError):  # it ends by itself, too
            self._api.post(f"/api/streams/{self.name}/drill", seconds=0)


@dataclass(slots=True)
class CausedFault:
    """A fault that is being caused: `done` tells how, `over` whether it has run its course."""

    done: str
    run_id: str | None = None  # of the run that was hit last
    over: bool = True
    strikes: int = 1


class Faults:
    """Causes the faults on one stream. Raises CannotDrill, and ApiError."""

    def __init__(self, stream: DrilledStream) -> None:
        self._stream = stream

    def begin(self, drill: Drill, place: DrillPlace, seconds: int, process: Any, cleanup: ExitStack) -> CausedFault:
        """Announce a drill and cause its fault; `cleanup` ends both."""
        cleanup.callback(self._stream.withdraw)
        match drill:
            case Drill.UPLINK | Drill.SOURCE | Drill.FALLBACK:
                self._stream.announce(seconds, drill, place.destination)
                done = f"the connection of {place.name} (pid {process['pid']}) blocked: nothing is acknowledged"
                if drill is not Drill.UPLINK:
                    done = f"{place.name} (pid {process['pid']}) cut off from its source"
                return CausedFault(done)
            case Drill.QUICK | Drill.PUSHER | Drill.FULL:
                self._stream.announce(seconds)
                hit = self._strike(place, signal.SIGKILL, cleanup)
                return CausedFault(
                    f"SIGKILL to {place.name} (pid {hit['pid']})", hit["run_id"], drill is not Drill.FULL
                )
            case Drill.FREEZE:
                self._stream.announce(seconds)
                hit = self._strike(place, signal.SIGSTOP, cleanup)
                return CausedFault(f"SIGSTOP to {place.name} (pid {hit['pid']})", hit["run_id"])

    def _strike(self, place: DrillPlace, number: signal.Signals, cleanup: ExitStack) -> rules.Json:
        """Signal the process that is in a place now, and return it; of a run that is gone the next one takes the place.

        What is stopped goes on at the clean-up, should it still be there. Raises CannotDrill.
        """
        deadline = time.monotonic() + _AIM
        while time.monotonic() < deadline:
            process = rules.process_of(self._stream.now(), place)
            if process["pid"] is not None:
                try:
                    self._hit(int(process["pid"]), str(process["run_id"]), number, cleanup)
                except ProcessLookupError:
                    pass
                except NotOurs as error:
                    if rules.process_of(self._stream.now(), place)["run_id"] == process["run_id"]:
                        advice = "run the drill on the machine where neverdark runs, as its user"
                        raise CannotDrill(f"{error}; {advice}") from None
                else:
                    return process
            time.sleep(LOOK)
        raise CannotDrill(f"there was no {place.name} to be hit")

    @staticmethod
    def _hit(pid: int, run_id: str, number: signal.Signals, cleanup: ExitStack) -> None:
        # A frozen shell would leave its FFmpeg at work: what is stopped is stopped as a whole.
        stopping = number is signal.SIGSTOP
        with ExitStack() as hold:
            grip = hold.enter_context(Grip(pid, run_id, whole=stopping))
            if stopping:
                hold.callback(_thaw, grip)  # also when the signal before it got through to only some
            grip.send(number)
            if stopping:
                cleanup.enter_context(hold.pop_all())

    def go_on(self, process: Any, fault: CausedFault, place: DrillPlace) -> None:
        """Of `full`: kill the next run, if there is one, until no attempt is left.

        The cooldown may be over between two looks, when the second layer was waiting for it: a kill without an attempt
        left is known to lead there.
        """
        if process["state"] == State.COOLDOWN:
            fault.over = True
        elif process["pid"] is not None and process["run_id"] != fault.run_id:
            with ExitStack() as nothing_to_undo:
                hit = self._strike(place, signal.SIGKILL, nothing_to_undo)
            fault.strikes += 1
            fault.run_id, fault.over = hit["run_id"], hit["budget_remaining"] == 0
            fault.done = f"SIGKILL to {place.name}, {fault.strikes} times, until no attempt was left"


def _thaw(grip: Grip) -> None:
    with contextlib.suppress(ProcessLookupError):
        grip.send(signal.SIGCONT)
