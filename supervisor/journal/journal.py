"""The listener that writes facts down: one log line each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import structlog

from supervisor.ffmpeg.telling import telling
from supervisor.journal.announced import write_announced
from supervisor.journal.recovery import write_recovery
from supervisor.model import events
from supervisor.model.facts import Fact
from supervisor.model.fallback import SwitchWay, source_name
from supervisor.model.quantities import show_duration
from supervisor.model.terms import RestartReason, State, Trouble

_LAST_WORDS = 2


class Journal:
    """Hears facts and writes to structlog, which does not wait: see `lines`."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    def __call__(self, fact: Fact) -> None:  # noqa: C901, PLR0912, PLR0915 - one arm a fact; a table would hide the words
        """Write one fact."""
        log, what = self._log, fact.what
        match what:
            case events.ProcessStarted(key, run_id, pid, reason):
                log.info(_of(key.name, "started"), stream=key.stream, pid=pid, run_id=run_id, **_why(reason))
            case events.ProcessAdopted(key, run_id, pid, seconds):
                words, age = _of(key.name, "taken over from an earlier neverdark"), show_duration(seconds)
                log.info(words, stream=key.stream, pid=pid, run_id=run_id, runs_for=age)
            case events.EncoderReplaced(key, reason, seconds):
                words = _of(key.name, "replaced without a gap: the next run feeds")
                log.info(words, stream=key.stream, why=str(reason), held=show_duration(seconds))
            case events.FeedSwitched(stream, before, after, reason, seconds):
                how = {} if seconds is None else {"held": show_duration(seconds)}
                words = f"viewers see {source_name(after)}, no longer {source_name(before)}"
                (log.warning if after > before else log.info)(words, stream=stream, why=str(reason), **how)
            case events.SwitchMeasured():
                self._switched(what)
            case events.SlateTrouble(stream, error):
                log.warning("the slate could not be made, and would be drawn when needed", stream=stream, error=error)
            case events.ProcessAdvanced(key, _, seconds):
                log.info(_of(key.name, "advances"), stream=key.stream, after=show_duration(seconds))
            case events.ProcessSilent(key, _, trouble, seconds, segment):
                missed = "ingest acknowledges nothing" if trouble is Trouble.UPLINK_BLOCKED else "no progress"
                then = "it is not ours to end" if what.left else "killing it"
                log.warning(
                    _of(key.name, f"{missed} for {show_duration(seconds)}, {then}"),
                    stream=key.stream,
                    cause=str(trouble),
                    segment=str(segment),
                )
            case events.ProcessExited():
                self._exited(what)
            case events.RecoveryOrdered() | events.RecoveryAnswered() | events.ProgramTrouble():
                write_recovery(log, what)
            case events.SourceLearned(key, words):
                log.warning(_of("source", words), stream=key.stream)
            case events.ProcessRemoved(key):
                log.info(_of(key.name, "no longer configured"), stream=key.stream)
            case events.SpawnFailed(key, cause, error):
                log.error(_of(key.name, error), stream=key.stream, cause=str(cause))
            case events.RetryScheduled(key, state, delay, left, cause):
                slow = "attempts are spent or of no use: slow retries, for ever" if state is State.COOLDOWN else None
                log.warning(
                    _of(key.name, f"next attempt in {show_duration(delay)}" + (f" ({slow})" if slow else "")),
                    stream=key.stream,
                    attempts_left=left,
                    cause=str(cause),
                )
            case events.BudgetRefilled(key):
                log.info(_of(key.name, "sustained progress, all attempts are back"), stream=key.stream)
            case events.StreamWanted(stream, wanted, why):
                log.info("Auto-restart enabled" if wanted else "planned stop", stream=stream, why=why)
            case events.StreamOnAir():
                self._on_air(what)
            case events.OrderGiven(order, subject, by, address):
                about = {"stream": subject.stream, "destination": subject.destination}
                known = {key: name for key, name in about.items() if name}
                line = f"{order} ordered by an operator"
                log.info(line, **known, peer=address, by=by)
            case events.ConfigReloaded(file, added, removed, changed, need_restart, warnings):
                log.info("configuration reloaded", file=str(file), added=added, removed=removed, changed=changed)
                if need_restart:
                    log.warning("takes effect only when neverdark is started anew", keys=need_restart)
                self.warn(file, warnings)
            case events.StreamsEdited(added, removed, changed, warnings):
                if added or removed or changed:
                    log.info("streams changed by API", added=added, removed=removed, changed=changed)
                for warning in warnings:
                    log.warning("streams made by API", warning=warning)
            case events.ConfigRejected(file, problems):
                log.error("configuration rejected, the old one stays in force", file=str(file), problems=problems)
            case events.OrphanEnded(pid, run_id):
                log.warning("ended a process that an earlier neverdark left behind", pid=pid, run_id=run_id)
            case events.ClockStepped(seconds):
                log.warning("the wall clock was set", seconds=round(seconds, 3))
            case events.AnotherPublisher(stream, destination, who):
                log.error("somebody else publishes on this key", stream=stream, destination=destination, who=who)
            case events.ContentFound(stream, defect, said=said):
                log.warning(_of("content", said), stream=stream, cause=str(defect))
            case events.ContentGood(stream, defect, seconds, seen, rung):
                of = f"{source_name(rung)}: {defect}" if rung else defect
                words = f"{of} is over" if seen else f"{of} cannot be told any more"
                log.info(_of("content", words), stream=stream, after=show_duration(seconds))
            case events.PlatformFound(stream, destination, cause, said):
                log.warning(_of("platform", said), stream=stream, destination=destination, cause=str(cause))
            case events.PlatformGood(stream, destination, cause, address):
                where = {"viewers_see_it_at": address} if address else {}
                log.info(_of("platform", f"{cause} is over"), stream=stream, destination=destination, **where)
            case events.PlatformAsked(stream, destination, asked, answer, helped, address):
                write, line = log.info if helped else log.warning, _of("platform", asked)
                write(line, stream=stream, destination=destination, result=answer, address=address)
            case events.StorageTrouble(path, error):
                log.error("cannot write; streams go on, logs have a gap", path=str(path), error=error)
            case events.StorageRecovered(path):
                log.info("can write again", path=str(path))
            case events.OrdersRecalled(stopped, started):
                log.info("as operators asked before neverdark was started anew", stopped=stopped, started=started)
            case events.StoreTrouble(where, error, dropped):
                lost = {"lost_records": dropped} if dropped else {}
                log.error("history: cannot be kept as it should; streams go on", where=where, error=error, **lost)
            case events.StoreRecovered(where, seconds, dropped):
                lost = {"lost_records": dropped} if dropped else {}
                log.info("history: is written again", where=where, after=show_duration(seconds), **lost)
            case events.ProbeTrouble(probe, error):
                log.error("a probe cannot look, what it tells is unknown", probe=probe, error=error)
            case events.InternalError(where, error):
                log.error("internal error, please report it; streams go on", where=where, error=error)
            case events.StreamOrdered() | events.OrderLapsed() | events.WatchdogsSwitched() | events.SourceOrdered():
                write_announced(log, what)
            case events.MaintenanceOrdered() | events.MaintenanceBegun() | events.MaintenanceOver():
                write_announced(log, what)
            case _:
                write_recovery(log, what)

    def ready(self, version: str, file: Path, page: str, ffmpeg: str, streams: int) -> None:
        """The first line of a run."""
        self._log.info("neverdark", version=version, config=str(file), page=page, ffmpeg=ffmpeg, streams=streams)

    def warn(self, file: Path, warnings: Iterable[object]) -> None:
        """What a valid configuration should be told of."""
        for warning in warnings:
            self._log.warning("configuration", file=str(file), warning=str(warning))

    def over(self, *, left: bool) -> None:
        """The last line of a run; `left`: its processes run on."""
        self._log.info("neverdark ended, " + ("its processes run on" if left else "nothing is left behind"))

    def _exited(self, what: events.ProcessExited) -> None:
        write = self._log.info if what.planned else self._log.warning
        how = {"signal": what.signal} if what.signal else {"code": what.code}
        said = () if what.planned else telling(what.key.role, what.cause, what.last_words, _LAST_WORDS)
        words = {"said": list(said)} if said else {}
        write(
            _of(what.key.name, "looked at no more" if what.left else "ended"),
            stream=what.key.stream,
            cause=str(what.cause),
            **how,
            after=show_duration(what.seconds),
            **words,
        )

    def _switched(self, what: events.SwitchMeasured) -> None:
        """What was made before the other was broken is told with the switch; of another, how long it took."""
        if what.way is SwitchWay.MADE_BEFORE_BREAK:
            return
        why = {"why": str(what.replaces)} if what.replaces else {}
        lost = {} if what.missing is None else {"missing": show_duration(what.missing), "frames": what.frames}
        words = f"media comes from {source_name(what.rung)}, after the one before had ended"
        self._log.info(words, stream=what.stream, **why, after=show_duration(what.seconds), **lost)

    def _on_air(self, what: events.StreamOnAir) -> None:
        if what.on_air:
            dark = {"dark_for": show_duration(what.seconds)} if what.seconds else {}
            self._log.info("on air", stream=what.stream, **dark)
        else:
            write = self._log.info if what.planned else self._log.warning
            write("off air", stream=what.stream, reason=what.reason, on_air_for=show_duration(what.seconds))


def _of(name: str, what: str) -> str:
    return f"{name}: {what}"


def _why(reason: RestartReason | None) -> dict[str, str]:
    return {"reason": str(reason)} if reason else {}
