"""One log line an event: readable on a terminal, JSON where no person looks.

Lines are written by a thread, because a terminal that was paused or a full pipe must never hold up the loop.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import structlog

from supervisor.ffmpeg.telling import telling
from supervisor.journal.recovery import write_recovery
from supervisor.model import events
from supervisor.model.quantities import show_duration
from supervisor.model.terms import RestartReason, State, Trouble

_MAX_WAITING = 10_000
_LAST_WORDS = 2


class LineWriter:
    """A file-like object that never blocks: lines wait in a bounded queue, and are dropped when it is full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._queue: queue.Queue[str | None] = queue.Queue(_MAX_WAITING)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write_forever, name="journal", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Take a line."""
        try:
            self._queue.put_nowait(text)
        except queue.Full:
            self._dropped += 1

    def flush(self) -> None:
        """Nothing to do: the thread flushes."""

    def close(self, timeout: float = 1.0) -> None:
        """Write what is waiting, but not for ever."""
        deadline = time.monotonic() + timeout
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=timeout)
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _write_forever(self) -> None:
        text: str | None = ""
        while text is not None:
            text = self._queue.get()
            dropped, self._dropped = self._dropped, 0
            note = f"({dropped} log lines were lost: nobody read fast enough)\n" if dropped else ""
            with contextlib.suppress(OSError, ValueError):  # a full disk or a closed terminal is no reason to end
                self._stream.write(note + (text or ""))
                self._stream.flush()


def configure(stream: TextIO | None = None) -> LineWriter:
    """Set structlog up for this process; returns the writer, to be closed last. None: standard output."""
    stream = stream or sys.stdout
    writer = LineWriter(stream)
    readable = stream.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0, sort_keys=False)
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if readable else "iso", utc=not readable),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.PrintLoggerFactory(writer),  # type: ignore[arg-type]  # it needs write and flush only
        cache_logger_on_first_use=True,
    )
    return writer


class Journal:
    """The listener that writes facts down."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    def __call__(self, fact: events.Fact) -> None:  # noqa: C901, PLR0912 - one arm a fact; a table would hide the words
        """Write one fact."""
        log = self._log
        match fact:
            case events.ProcessStarted(key, run_id, pid, reason):
                log.info(_of(key.name, "started"), stream=key.stream, pid=pid, run_id=run_id, **_why(reason))
            case events.ProcessAdvanced(key, _, seconds):
                log.info(_of(key.name, "advances"), stream=key.stream, after=show_duration(seconds))
            case events.ProcessSilent(key, _, trouble, seconds, segment):
                what = "ingest acknowledges nothing" if trouble is Trouble.UPLINK_BLOCKED else "no progress"
                log.warning(
                    _of(key.name, f"{what} for {show_duration(seconds)}, killing it"),
                    stream=key.stream,
                    cause=str(trouble),
                    segment=str(segment),
                )
            case events.ProcessExited():
                self._exited(fact)
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
                self._on_air(fact)
            case events.ConfigReloaded(file, added, removed, changed, need_restart, warnings):
                log.info("configuration reloaded", file=str(file), added=added, removed=removed, changed=changed)
                if need_restart:
                    log.warning("takes effect only when neverdark is started anew", keys=need_restart)
                self.warn(file, warnings)
            case events.ConfigRejected(file, problems):
                log.error("configuration rejected, the old one stays in force", file=str(file), problems=problems)
            case events.OrphanEnded(pid, run_id):
                log.warning("ended a process that an earlier neverdark left behind", pid=pid, run_id=run_id)
            case events.ClockStepped(seconds):
                log.warning("the wall clock was set", seconds=round(seconds, 3))
            case events.AnotherPublisher(stream, destination, who):
                log.error("somebody else publishes on this key", stream=stream, destination=destination, who=who)
            case events.StorageTrouble(path, error):
                log.error("cannot write; streams go on, logs have a gap", path=str(path), error=error)
            case events.StorageRecovered(path):
                log.info("can write again", path=str(path))
            case events.ProbeTrouble(probe, error):
                log.error("a probe cannot look, what it tells is unknown", probe=probe, error=error)
            case events.InternalError(where, error):
                log.error("internal error, please report it; streams go on", where=where, error=error)
            case _:
                write_recovery(log, fact)

    def ready(self, version: str, file: Path, listen: str, ffmpeg: str, streams: int) -> None:
        """The first line of a run."""
        self._log.info(
            "neverdark", version=version, config=str(file), page=f"http://{listen}/", ffmpeg=ffmpeg, streams=streams
        )

    def warn(self, file: Path, warnings: Iterable[object]) -> None:
        """What a valid configuration should be told of."""
        for warning in warnings:
            self._log.warning("configuration", file=str(file), warning=str(warning))

    def over(self) -> None:
        """The last line of a run."""
        self._log.info("neverdark ended, nothing is left behind")

    def _exited(self, fact: events.ProcessExited) -> None:
        write = self._log.info if fact.planned else self._log.warning
        how = {"signal": fact.signal} if fact.signal else {"code": fact.code}
        said = () if fact.planned else telling(fact.key.role, fact.cause, fact.last_words, _LAST_WORDS)
        words = {"said": list(said)} if said else {}
        write(
            _of(fact.key.name, "ended"),
            stream=fact.key.stream,
            cause=str(fact.cause),
            **how,
            after=show_duration(fact.seconds),
            **words,
        )

    def _on_air(self, fact: events.StreamOnAir) -> None:
        if fact.on_air:
            dark = {"dark_for": show_duration(fact.seconds)} if fact.seconds else {}
            self._log.info("on air", stream=fact.stream, **dark)
        else:
            write = self._log.info if fact.planned else self._log.warning
            write("off air", stream=fact.stream, reason=fact.reason, on_air_for=show_duration(fact.seconds))


def _of(name: str, what: str) -> str:
    return f"{name}: {what}"


def _why(reason: RestartReason | None) -> dict[str, str]:
    return {"reason": str(reason)} if reason else {}
