"""What one process says and shows: its progress, its lines, the parameters of its media. And what that calls for."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

from supervisor.ffmpeg.listening import has_other_key
from supervisor.ffmpeg.parameters import Parameters
from supervisor.ffmpeg.phrases import not_carried
from supervisor.ffmpeg.progress import parse_report
from supervisor.lifecycle.types import Advanced, Restart, Useless
from supervisor.model import events
from supervisor.model.terms import Cause, ExitCause, RestartReason, Role, State, Trouble
from supervisor.model.thresholds import ON_AIR_SECONDS
from supervisor.process.output import Output

if TYPE_CHECKING:
    from supervisor.process.run import Run
    from supervisor.process.slot import Slot
    from supervisor.secrets.secrecy import Redactor

_MOST_REPORTS = 100  # that one look takes in: a flood of them must not hold up the loop
_AT_WORK = frozenset({State.STARTING, State.RUNNING})


class Reports:
    """The wires of one process' place, through all of its runs. Lives on the engine's loop."""

    def __init__(self, slot: Slot, redactor: Redactor) -> None:
        host, key = slot.host, slot.key
        self._slot = slot
        self._now = host.loop.time
        self._wall = host.machine.wall
        self.output = Output(host.machine, host.data_dir, key.stream, key.name, redactor, host.storage, self._heed)
        host.loop.add_reader(self.output.outlet.fd, self._on_output)
        known = slot.adoptable.progress if slot.adoptable else None
        by_socket = slot.spec.tracked and not slot.spec.external
        self._progress = (known or host.machine.progress_socket()) if by_socket else None
        if self._progress:
            host.progress.add(self._progress.fd, self._on_progress)
        if slot.feeds:
            host.loop.add_reader(slot.feeds.tap.fd, self._on_parameters)

    @property
    def url(self) -> str:
        """Where a run is to report its progress; empty for nowhere."""
        return self._progress.url if self._progress else ""

    def track(self) -> None:
        """From now on the runs report."""
        if self._progress is None and not self._slot.spec.external:
            self._progress = self._slot.host.machine.progress_socket()
            self._slot.host.progress.add(self._progress.fd, self._on_progress)

    def begin_run(self, run: Run) -> None:
        """A run has been started: what comes now is of this one. Its output is not, until what came before is kept."""
        self._slot.meter.begin_run()
        if self._slot.source:
            self._slot.source.begin_run(run.began)
        if self._slot.content:
            self._slot.content.begin_run(run.child.pid)
        if self._progress:
            self._progress.begin_run(run.child.pid, family=self._slot.key.role is Role.COMMAND)

    def let_go(self) -> None:
        """Hear no more."""
        host = self._slot.host
        host.loop.remove_reader(self.output.outlet.fd)
        if self._progress:
            host.progress.remove(self._progress.fd)
            self._progress.close()
        if self._slot.feeds:
            host.loop.remove_reader(self._slot.feeds.tap.fd)
            self._slot.feeds.close()
        if self._slot.content:
            self._slot.content.close()

    # --- progress ----------------------------------------------------------------------------------

    def read_progress(self) -> None:
        """Take in the reports that are waiting, but not for ever."""
        for _ in range(_MOST_REPORTS):
            if not self._progress or not (data := self._progress.read()):
                return
            self._hear(data)

    def hear(self, report: bytes) -> None:
        """Take in a report that came another way."""
        self._hear(report)

    def _on_progress(self) -> None:
        assert self._progress is not None
        self._hear(self._progress.read())

    def _hear(self, data: bytes) -> None:
        """The hottest path of all."""
        slot = self._slot
        run, meter, source = slot.run, slot.meter, slot.source
        if not data or run is None or run.over:
            return
        now = run.last_report = self._now()
        before = meter.last_advance
        report = parse_report(data)
        advanced = meter.update(report, now, self._wall())
        if source and (proof := source.clock.report(report, now)):
            self._source_failed(run, proof)
        if not advanced:
            return
        if before is not None:
            if source and source.rhythm:
                source.rhythm.note(now - before, now)
            if now - before > ON_AIR_SECONDS:
                self._note_return(run, before, now)
        if slot.feeder:
            run.fed_before = slot.feeder.meter.fed_seconds
        if before is None:
            self._first_advance(run, now)

    def _note_return(self, run: Run, before: float, now: float) -> None:
        """It advances after a silence since `before`: for want of media, or because this loop was late itself."""
        if self._slot.feeder:
            self._slot.feeder.read_progress()  # else what it was given meanwhile would not count
        if self._slot.had_nothing(before, now):
            run.resumed = now

    def _first_advance(self, run: Run, now: float) -> None:
        slot = self._slot
        self._came(now, seen=False)
        slot.failures.end()
        starting = slot.status.state is State.STARTING
        slot.dispatch(Advanced())
        if starting and not run.adopted:
            fact = events.ProcessAdvanced(slot.key, run.run_id, now - run.began)
            slot.put_off(partial(slot.host.tell, fact))

    def _came(self, now: float, *, seen: bool) -> None:
        """Its media has come; of some codecs no keyframe is ever `seen`."""
        if awaited := self._slot.changeover:
            self._slot.changeover = None
            awaited.came(now, seen=seen)

    # --- parameters --------------------------------------------------------------------------------

    def _on_parameters(self) -> None:
        """The encoder's media tells what it is made of: at its start, and with each keyframe."""
        slot = self._slot
        assert slot.feeds is not None
        now = self._now()
        if (parameters := slot.feeds.heard(now)) is None:
            return
        if slot.feeds.latest_keyframe == now:
            self._came(now, seen=True)
        if slot.source:
            slot.source.see(parameters)
        for pusher in slot.eaters:
            pusher.learn(parameters)

    def learn(self, parameters: Parameters) -> None:
        """What a pusher sends is made of these from now on: a connection that has announced others is replaced."""
        slot = self._slot
        if slot.intake is None or not slot.alive or slot.status.ending or not slot.status.wanted:
            return
        announced = slot.intake.announced or Parameters()
        if slot.spec.made_anew:
            parameters = slot.spec.made_anew.sent(parameters)
        if announced.differ(parameters):
            slot.dispatch(Restart(RestartReason.PARAMETERS, force=True))
        else:
            slot.intake.announced = announced.updated(parameters)

    # --- lines -------------------------------------------------------------------------------------

    def _on_output(self) -> None:
        self._slot.catch_up()  # the run before must be closed before this one's words are kept
        self.output.read(self._now())

    def _heed(self, line: bytes) -> bool:
        """Look at a line that the process wrote; True when it is not for people."""
        slot, now = self._slot, self._now()
        if slot.source is None:
            return slot.intake is not None and slot.intake.heed(line, now)
        run = slot.run
        if slot.source.clock.heed(line, now) and run:
            self._source_failed(run, Trouble.CLOCK_JUMPED)
        if (why := not_carried(line)) and run:
            self._give_up(run, why)
        if has_other_key(line):
            self._turn_away()
            return True  # a key that is nearly ours must not be shown either
        ours, due = slot.source.heed(line, now)
        if due:
            slot.host.loop.call_soon(self.look_at_source)
        if slot.source.tracks and (words := slot.source.tracks.heed(line)):
            slot.host.loop.call_soon(slot.host.tell, events.SourceLearned(slot.key, words))
        return ours

    def _turn_away(self) -> None:
        """Who publishes to this encoder is not who is awaited."""
        slot = self._slot
        if slot.source and (words := slot.source.turn_away()):
            slot.host.tell(events.SourceLearned(slot.key, words))
            slot.send(signal.SIGKILL)

    def look_at_source(self) -> None:
        """What this run has found out about its source may call for another command line."""
        slot = self._slot
        if not slot.source or not slot.alive or slot.status.ending or slot.status.state not in _AT_WORK:
            return
        learned = slot.source.look(self._now(), advanced=slot.meter.last_advance is not None)
        if learned is None:
            return
        slot.host.tell(events.SourceLearned(slot.key, learned.words))
        if learned.replace:
            slot.dispatch(Restart(RestartReason.CONFIG, force=True))

    def _source_failed(self, run: Run, proof: Cause) -> None:
        """What the encoder reads has ended, or its clock jumped: it would hold back media, or send none, for long."""
        slot = self._slot
        if run.over or slot.status.ending or run.read_to_end:
            return
        if proof is ExitCause.SOURCE_ENDED:
            run.read_to_end = True  # from here on as if it had ended by itself, as FFmpeg 5 does
            slot.send(signal.SIGKILL)
        elif slot.status.state is State.RUNNING:
            slot.host.loop.call_soon(slot.dispatch, Useless(RestartReason.STALL, Trouble.CLOCK_JUMPED))

    def _give_up(self, run: Run, why: str) -> None:
        """What this encoder sends on, nobody can read: every destination would wait for it in vain."""
        slot = self._slot
        if run.not_carried is None and not run.over and slot.status.state in _AT_WORK:
            run.not_carried = why
            slot.host.loop.call_soon(slot.send, signal.SIGKILL)
