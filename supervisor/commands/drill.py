"""`neverdark drill`: breaks something of a running neverdark's on purpose, and sees whether it recovers in time.

Causing the fault is the job of `drill_faults`; what may be expected stands in `drills/rules`, what the user sees in
`drills/view`.
"""

from __future__ import annotations

import contextlib
import json
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from supervisor.commands.api import Api, ApiError
from supervisor.commands.client import terminal
from supervisor.commands.drill_faults import LOOK, CausedFault, DrilledStream, Faults
from supervisor.drills import rules
from supervisor.drills import view as drill_view
from supervisor.drills.fallback import FallbackWatch
from supervisor.drills.rules import CannotDrill, DrillPlace, Inapplicable
from supervisor.drills.view import DrillOutcome, DrillReport
from supervisor.model.drills import Drill
from supervisor.model.quantities import show_duration
from supervisor.model.terms import State
from supervisor.model.thresholds import SUSTAINED_SECONDS, closes_after

_SPENDING_LOOK = 0.05  # while a run that has just been started is to be hit before it shows anything
_CALM_LOOK = 0.5
_LATE_BACK = 40.0  # a stream may come back so late; then an incident takes its time to close
_SPARE = 10.0  # what the announcement lasts longer than the drill may
_VERBS = {DrillOutcome.FAILED: "failed", DrillOutcome.REFUSED: "was refused"}


class _Failed(Exception):  # noqa: N818 - the name says what happened
    """The drill has shown that something does not work; the text says what, and `report` what it has shown by then."""

    def __init__(self, said: str, report: DrillReport | None = None) -> None:
        super().__init__(said)
        self.report = report


class DrillRunner:
    """Does drills on one stream, one after the other."""

    def __init__(self, api: Api, stream: str, destination: str | None, tell: Callable[[str], None]) -> None:
        """`tell` is told what is being done and what is being waited for."""
        self._stream = DrilledStream(api, stream)
        self._faults = Faults(self._stream)
        self._destination = destination
        self._tell = tell

    def run(self, wanted: Sequence[Drill]) -> Iterator[DrillReport]:
        """Do them; each report as soon as it is there. Of several, one that does not apply is skipped.

        After one that failed or was refused no other is done: a stream that is down must not be broken once more.
        Raises ApiError. Whatever happens, nothing stays frozen and the announcement is withdrawn.
        """
        for index, drill in enumerate(wanted):
            try:
                report = self._one(drill)
            except Inapplicable as refusal:
                outcome = DrillOutcome.SKIPPED if len(wanted) > 1 else DrillOutcome.REFUSED
                report = DrillReport(drill, self._stream.name, outcome=outcome, reason=str(refusal))
            except CannotDrill as refusal:
                report = DrillReport(drill, self._stream.name, outcome=DrillOutcome.REFUSED, reason=str(refusal))
            yield report
            if report.outcome in {DrillOutcome.FAILED, DrillOutcome.REFUSED}:
                for left in wanted[index + 1 :]:
                    reason = f"not done: the {drill} drill {_VERBS[report.outcome]}"
                    yield DrillReport(left, self._stream.name, outcome=DrillOutcome.SKIPPED, reason=reason)
                return

    # --- one drill -----------------------------------------------------------------------------------

    def _one(self, drill: Drill) -> DrillReport:
        stream = self._stream.now()
        place = rules.place_of(drill, stream, self._destination)
        rules.check(drill, stream, rules.process_of(stream, place))
        stream = self._calm(drill, place)
        process = rules.process_of(stream, place)
        rules.check(drill, stream, process)
        allowed = rules.seconds_allowed(drill, rules.policies_of(stream, process), int(process["budget_remaining"]))
        rules.expect_time(allowed + _SPARE)
        known = frozenset(str(incident["id"]) for incident in self._stream.incidents())
        report = DrillReport(
            drill, self._stream.name, place.destination, allowed_seconds=allowed, expected_segment=rules.SEGMENT[drill]
        )
        self._tell(f"{drill}: {place.name} of {self._stream.name}; it may take {show_duration(allowed)}")
        with ExitStack() as cleanup:
            deadline = time.monotonic() + allowed
            fault = self._faults.begin(drill, place, math.ceil(allowed + _SPARE), process, cleanup)
            began = time.monotonic()
            report = report._replace(done=fault.done)
            try:
                if drill is Drill.FALLBACK:
                    report = self._on_fallback(stream, report, began, deadline)
                incident = self._recovery(drill, place, fault, known, deadline)
            except _Failed as failure:
                seen = rules.find_incident(drill, place, self._stream.incidents(), known)
                report = failure.report or report
                report = report._replace(outcome=DrillOutcome.FAILED, reason=str(failure), done=fault.done)
                return report.with_incident(seen) if seen else report
        objection = rules.objection(drill, incident)
        outcome = DrillOutcome.FAILED if objection else DrillOutcome.RECOVERED
        return report._replace(outcome=outcome, reason=objection, done=fault.done).with_incident(incident)

    def _calm(self, drill: Drill, place: DrillPlace) -> Any:
        """Wait until a new fault would be an incident of its own, and one that can be repaired; returns the stream.

        A fault before an incident has closed continues it. The first layer must have an attempt left, or for `full`
        the second one must be allowed to act. Raises CannotDrill.
        """
        began, said, closing = time.monotonic(), None, SUSTAINED_SECONDS
        while True:
            stream, incidents = self._stream.now(), self._stream.incidents()
            process = rules.process_of(stream, place)
            policies = rules.policies_of(stream, process)
            why = _why_not_yet(drill, place, stream, process, incidents)
            if why is None:
                return stream
            if opened := rules.open_incident(incidents):
                closing = max(closing, closes_after(opened["cause"]))
            rest = policies.watchdog.cooldown if drill is Drill.FULL else policies.restart.reset_after
            rest += policies.fallback.return_after
            most = _LATE_BACK + closing + rest
            if time.monotonic() > began + most:
                raise CannotDrill(f"waited in vain for {why}")
            if why != said:
                self._tell(f"{drill}: waiting for {why}; at most {show_duration(most)}")
                said = why
            time.sleep(_CALM_LOOK)

    # --- the recovery --------------------------------------------------------------------------------

    def _recovery(
        self, drill: Drill, place: DrillPlace, fault: CausedFault, known: frozenset[str], deadline: float
    ) -> rules.Json:
        """The incident, once the stream is back. Raises _Failed after the deadline (monotonic)."""
        while True:
            stream = self._stream.now()
            process = rules.process_of(stream, place)
            if not fault.over:
                self._faults.go_on(process, fault, place)
            incident = rules.find_incident(drill, place, self._stream.incidents(), known) if fault.over else None
            recovered = incident is not None and incident["recovery_seconds"] is not None
            if incident and recovered and stream["on_air"] and self._is_back(process, fault):
                return incident
            if time.monotonic() > deadline:
                raise _Failed(self._in_vain(stream, fault, incident))
            time.sleep(LOOK if fault.over else _SPENDING_LOOK)

    def _on_fallback(self, before: Any, report: DrillReport, began: float, deadline: float) -> DrillReport:
        """Another source arrives at every ingest, on the connections that stood, and then the stream's own one is back.

        Times are since `began`, when the fault was caused, both monotonic. Raises _Failed.
        """
        watch = FallbackWatch(before)
        within = rules.seconds_until_fallback(rules.policies_of(before, rules.encoder_of(before)))
        while True:
            stream, now = self._stream.now(), time.monotonic()
            if broken := watch.look(stream):
                raise _Failed(broken, report)
            if report.fallback_seconds is None and watch.arrived:
                report = report._replace(fallback=watch.fallback, fallback_seconds=now - began)
                self._tell(f"{report.drill}: viewers see {watch.fallback} after {show_duration(now - began)}")
            elif report.fallback_seconds is None and now > began + within:
                raise _Failed(f"no fallback had arrived at every ingest after {show_duration(within)}", report)
            if report.fallback_seconds is not None and stream["on_primary"]:
                return report._replace(return_seconds=now - began)
            if now > deadline:
                raise _Failed("the stream's own source was not shown again in time", report)
            time.sleep(LOOK)

    @staticmethod
    def _is_back(process: Any, fault: CausedFault) -> bool:
        return bool(process["state"] == State.RUNNING and process["run_id"] != fault.run_id)

    def _in_vain(self, stream: Any, fault: CausedFault, incident: rules.Json | None) -> str:
        if not fault.over:
            return "its attempts were not spent in time"
        if not stream["on_air"]:
            return f"it was not on air again in time: {stream['reason']}"
        return "no recovery was recorded in time" if incident else "no incident was recorded: the fault went unnoticed"


def _why_not_yet(drill: Drill, place: DrillPlace, stream: Any, process: Any, incidents: list[Any]) -> str | None:
    """What a drill must wait for, in words; None when it may begin."""
    policies = rules.policies_of(stream, process)
    if opened := rules.open_incident(incidents):
        closes = show_duration(closes_after(opened["cause"]))
        return f"the incident of {opened['opened']} ({opened['cause']}) to close, {closes} after the stream is back"
    if not stream["on_air"]:
        return "the stream to be on air"
    if drill is Drill.FALLBACK and not stream["on_primary"]:
        return "viewers to see the stream's own source"
    if drill is Drill.FULL:
        rests = rules.watchdog_rests_until(incidents, policies.watchdog)
        return "the second layer's cooldown to be over" if rests and rests > datetime.now(UTC) else None
    if policies.restart.attempts and not process["budget_remaining"]:
        return f"{place.name} to earn back its attempts"
    return None


# --- the command -------------------------------------------------------------------------------------


def drill(api: Api, wanted: Sequence[Drill], stream: str, destination: str | None, *, as_json: bool) -> int:
    """Do the `wanted` drills; exit code 0 if all recovered, else 1. Progress goes to stderr."""

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    reports: list[DrillReport] = []
    interrupted = False
    try:
        with _terminating_interrupts():
            for report in DrillRunner(api, stream, destination, tell).run(wanted):
                tell(drill_view.one_line(report))
                reports.append(report)
    except ApiError as error:
        tell(f"neverdark: {error}")
        interrupted = True
    except KeyboardInterrupt:
        tell("neverdark: called off; nothing is left frozen, and what fails from now on counts")
        interrupted = True
    if as_json:
        print(json.dumps(drill_view.as_json(reports), indent=2, ensure_ascii=False))
    elif reports:
        terminal().print(drill_view.table(reports))
    return 1 if interrupted or not drill_view.passed(reports) else 0


@contextlib.contextmanager
def _terminating_interrupts() -> Iterator[None]:
    """A SIGTERM or a closed terminal ends the drill as Ctrl-C does: in order."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
