"""The life of one place, with a machine, a loop and a clock that are turned by hand."""

from __future__ import annotations

import errno
import signal
from dataclasses import replace
from typing import Any

import pytest

from supervisor.config.shape import Video
from supervisor.ffmpeg.parameters import Parameters
from supervisor.ffmpeg.phrases import CERTIFICATE
from supervisor.ffmpeg.renditions import Rendition
from supervisor.judge.progress_meter import ProgressMeter
from supervisor.judge.uplink import UplinkMeter
from supervisor.lifecycle.types import RetryNow
from supervisor.model import events
from supervisor.model.policies import LimitsPolicy, Policies, RestartPolicy, StallPolicy, StopPolicy
from supervisor.model.quantities import Address
from supervisor.model.terms import ExitCause, Reach, Refusal, RestartReason, Role, Segment, State, Trouble
from supervisor.process.slot import Slot
from supervisor.secrets.secrecy import Redactor
from tests.unit.process.stage import WALL, Stage

AT_ONCE = Policies(restart=RestartPolicy(initial_delay=0, jitter=0))
INGEST = Address("ingest.example", 1935)
REFUSED = "[tcp @ 0x1] Connection to tcp://ingest.example:1935 failed: Connection refused"
LATER = 0.05  # what was put off is done by then


@pytest.fixture
def stage() -> Stage:
    return Stage()


def running(stage: Stage, role: Role = Role.ENCODER, policies: Policies = AT_ONCE, **more: Any) -> Slot:
    """A place whose process has just shown its first progress; nothing of it is still to be told."""
    slot = stage.place(role, policies, **more)
    slot.start()
    stage.report(slot, 1.0)
    stage.loop.move(LATER)
    assert slot.status.state is State.RUNNING
    stage.told.clear()
    return slot


# --- an end and what follows -------------------------------------------------------------------------


def test_an_end_and_the_next_run_are_told_in_their_order_and_after_both(stage: Stage) -> None:
    slot = running(stage)
    first = stage.child
    first.end(number=signal.SIGKILL)
    assert stage.child is not first, "the next process is there at once"
    assert stage.kinds() == [], "and before anything is told"
    assert first.closed == 1
    assert first.pidfd not in stage.loop.readers
    stage.loop.move(LATER)
    (exited, started) = stage.told
    assert isinstance(exited, events.ProcessExited)
    assert isinstance(started, events.ProcessStarted)
    assert (exited.cause, exited.signal, exited.planned) == (ExitCause.KILLED, signal.SIGKILL, False)
    assert exited.run_id != started.run_id == slot.run_id == stage.child.environment["_NEVERDARK_RUN"]
    assert (started.pid, started.reason) == (stage.child.pid, RestartReason.EXIT)
    assert slot.failures.exits[ExitCause.KILLED] == 1
    assert slot.restarts[RestartReason.EXIT] == 1
    assert slot.cpu_seconds == 1.5


def test_the_first_progress_of_a_run_is_told_once_and_ends_the_failure(stage: Stage) -> None:
    slot = running(stage)
    stage.child.end(code=1)
    assert slot.failures.cause is ExitCause.OTHER
    stage.loop.move(2.0)
    stage.report(slot, 1.0)
    stage.report(slot, 2.0)
    stage.loop.move(LATER)
    assert slot.status.state is State.RUNNING
    assert slot.last_cause is None
    (advanced,) = stage.heard(events.ProcessAdvanced)
    assert advanced.seconds == pytest.approx(2.0)
    assert slot.meter.media_seconds == 3.0, "of both runs"


def test_the_last_words_of_a_run_are_not_the_next_ones(stage: Stage) -> None:
    slot = running(stage)
    stage.say(slot, "words of the first")
    stage.child.end(code=1)
    stage.say(slot, "words of the second")
    stage.child.end(code=1)
    stage.loop.move(LATER)
    said = [exited.last_words for exited in stage.heard(events.ProcessExited)]
    assert said == [("words of the first",), ("words of the second",)]
    runs = {line: run for run, line in stage.machine.log.lines}
    assert runs["words of the first"] != runs["words of the second"]


def test_who_fails_again_and_again_waits_ever_longer_and_is_told_after_its_end(stage: Stage) -> None:
    restart = RestartPolicy(initial_delay=1, factor=2, jitter=0, attempts=2, cooldown=60)
    slot = running(stage, policies=Policies(restart=restart))
    waits = []
    for _ in range(3):
        stage.child.end(code=1)
        stage.loop.move(LATER)
        assert stage.kinds()[-2:] == ["ProcessExited", "RetryScheduled"]
        waits.append((slot.status.state, slot.status.delay))
        stage.loop.move(slot.status.delay)
    assert waits == [(State.BACKOFF, 1.0), (State.BACKOFF, 2.0), (State.COOLDOWN, 60.0)]


def test_a_mistake_in_the_diagnosis_does_not_keep_the_next_run_waiting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = running(stage)
    monkeypatch.setattr(slot.reports.output, "take_unredacted", None)
    before = stage.child
    before.end(code=1)
    assert stage.child is not before
    assert stage.kinds() == ["InternalError"]
    assert slot.failures.cause is ExitCause.OTHER


def test_one_piece_of_book_keeping_that_fails_does_not_keep_the_rest(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = running(stage)
    monkeypatch.setattr(stage.machine.log, "write", None)
    stage.child.end(code=1)
    stage.loop.move(LATER)
    assert [error["message"] for error in stage.loop.errors] == ["book-keeping of cam/encoder"]
    assert stage.kinds() == ["ProcessStarted"]
    assert slot.snapshot(stage.loop.now, 0.0).pid == stage.child.pid, "and it is shown as it is"


def test_for_want_of_memory_is_what_the_kernel_says(stage: Stage) -> None:
    slot = running(stage)
    stage.memory.ran_out = lambda: True
    stage.child.end(number=signal.SIGKILL)
    stage.loop.move(LATER)
    (exited,) = stage.heard(events.ProcessExited)
    assert exited.cause is ExitCause.OUT_OF_MEMORY
    assert slot.last_cause is ExitCause.OUT_OF_MEMORY
    assert slot.failures.exits[ExitCause.OUT_OF_MEMORY] == 1
    assert slot.failures.exits[ExitCause.KILLED] == 0
    assert slot.failures.last is not None
    assert slot.failures.last.cause is ExitCause.OUT_OF_MEMORY


def test_who_is_killed_by_us_did_not_want_for_memory(stage: Stage) -> None:
    slot = running(stage)
    stage.memory.ran_out = lambda: True
    stage.machine.polite = False
    slot.stop(force=True)
    stage.loop.move(LATER)
    assert [exited.cause for exited in stage.heard(events.ProcessExited)] == [ExitCause.STOPPED]


# --- silence -----------------------------------------------------------------------------------------


def test_a_stall_is_found_at_its_time_and_replaced(stage: Stage) -> None:
    slot = running(stage, policies=Policies(restart=AT_ONCE.restart, stall=StallPolicy(timeout=5)))
    frozen = stage.child
    for _ in range(9):
        stage.loop.move(0.5)
        stage.report(slot, 1.0)  # that a report comes proves nothing
    assert frozen.signals == []
    stage.loop.move(0.5)
    stage.loop.move(LATER)
    assert frozen.signals == [signal.SIGKILL]
    assert stage.kinds() == ["ProcessSilent", "ProcessExited", "ProcessStarted"]
    assert slot.last_cause is Trouble.STALL
    assert slot.restarts[RestartReason.STALL] == 1
    assert slot.evidence.reported
    assert slot.evidence.cause is Trouble.STALL


def test_an_end_that_we_have_brought_about_is_no_second_failure(stage: Stage) -> None:
    slot = running(stage, policies=Policies(restart=AT_ONCE.restart, stall=StallPolicy(timeout=5)))
    stage.loop.move(6.0)
    (silent,) = stage.heard(events.ProcessSilent)
    (exited,) = stage.heard(events.ProcessExited)
    assert (silent.trouble, silent.seconds) == (Trouble.STALL, pytest.approx(5.0))
    assert exited.planned
    assert slot.failures.last is not None
    assert slot.failures.last.cause is Trouble.STALL


def test_who_was_stopped_by_somebody_is_known_to_have_been(stage: Stage) -> None:
    slot = running(stage, policies=Policies(stall=StallPolicy(timeout=5)))
    stage.machine.stopped.add(stage.child.pid)
    stage.loop.move(6.0)
    assert slot.evidence.stopped
    assert slot.segment is Segment.ENCODER


def test_a_start_that_shows_nothing_is_ended(stage: Stage) -> None:
    slot = stage.place(Role.ENCODER, Policies(stall=StallPolicy(startup=20)))
    slot.start()
    stage.loop.move(19.9)
    assert stage.child.signals == []
    stage.loop.move(0.2)
    assert stage.child.signals == [signal.SIGKILL]
    assert slot.last_cause is Trouble.START_TIMEOUT


def test_a_loop_that_was_late_itself_hears_before_it_judges(stage: Stage) -> None:
    slot = running(stage)
    child = stage.child
    stage.loop.stand_still(60.0)
    stage.report(slot, 50.0, read=False)
    stage.loop.move(0.0)
    assert child.signals == []
    assert slot.advancing(stage.loop.now)
    stage.loop.move(11.0)
    assert child.signals == [signal.SIGKILL], "but silence from then on is a stall"


def test_a_pusher_that_gets_nothing_is_not_late_and_one_that_gets_something_is(stage: Stage) -> None:
    encoder, pusher = stage.path(AT_ONCE)
    for slot in (encoder, pusher):
        slot.start()
        stage.report(slot, 1.0)
    sender = stage.child
    stage.loop.move(2.0)
    encoder.stop()
    stage.loop.move(60.0)
    assert sender.signals == []
    assert pusher.fed == 0.0
    encoder.start()
    for second in range(1, 14):
        stage.loop.move(1.0)
        stage.report(encoder, float(second))
    assert sender.signals == [signal.SIGKILL]
    assert pusher.last_cause is Trouble.STALL


def test_what_a_pusher_was_given_counts_from_its_last_advance(stage: Stage) -> None:
    encoder, pusher = stage.path(AT_ONCE)
    encoder.start()
    for second in range(1, 6):
        stage.report(encoder, float(second))
        stage.loop.move(1.0)
    assert pusher.fed == 4.0, "nobody has taken anything yet"
    pusher.start()
    assert pusher.fed == 0.0, "what came before it began is not its own"
    stage.report(encoder, 6.0)
    assert pusher.fed == 1.0
    stage.report(pusher, 1.0)
    assert pusher.fed == 0.0


def test_a_connection_that_acknowledges_nothing_is_ended(stage: Stage) -> None:
    slot = running(stage, Role.PUSHER, ingest=INGEST)
    stage.child.signals.clear()
    slot.uplink_blocked(5.0)
    stage.loop.move(LATER)
    (silent,) = stage.heard(events.ProcessSilent)
    assert (silent.trouble, silent.seconds) == (Trouble.UPLINK_BLOCKED, 5.0)
    assert slot.restarts[RestartReason.UPLINK] == 1


def test_too_much_that_waits_is_dropped_and_costs_no_attempt(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, pusher = stage.path(Policies(limits=LimitsPolicy(backlog_max=20)))
    for slot in (encoder, pusher):
        slot.start()
        stage.report(slot, 1.0)
    sender = stage.child
    assert pusher.intake
    monkeypatch.setattr(pusher.intake._backlog, "seconds", 16.9, raising=False)
    pusher.look(stage.loop.now)
    assert sender.signals == []
    monkeypatch.setattr(pusher.intake._backlog, "seconds", 17.1, raising=False)
    pusher.look(stage.loop.now)
    assert sender.signals == [signal.SIGKILL]
    assert stage.machine.forgot == [sender.pid]
    stage.loop.move(LATER)
    assert pusher.status.spent == 0
    assert pusher.last_cause is Trouble.BACKLOG


@pytest.mark.parametrize(
    ("unsent", "cause", "reason"),
    [
        (0, Trouble.SLOW, RestartReason.LIMIT),
        (2_000, Trouble.SLOW, RestartReason.LIMIT),
        (500_000, Trouble.BACKLOG, RestartReason.UPLINK),
    ],
)
def test_who_encodes_is_slow_where_its_line_has_room(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, unsent: int, cause: Trouble, reason: RestartReason
) -> None:
    encoder, pusher = stage.path(Policies(limits=LimitsPolicy(backlog_max=20)))
    for slot in (encoder, pusher):
        slot.start()
        stage.report(slot, 1.0)
    pusher.spec = replace(pusher.spec, made_anew=Rendition(Video(bitrate=800_000), None))
    assert pusher.intake
    pusher.uplink = UplinkMeter()
    pusher.uplink.unsent_bytes = unsent
    monkeypatch.setattr(ProgressMeter, "bytes_per_second", 100_000.0)
    monkeypatch.setattr(pusher.intake._backlog, "seconds", 17.1, raising=False)
    pusher.look(stage.loop.now)
    stage.loop.move(LATER)
    assert pusher.last_cause is cause
    assert pusher.status.reason is reason


def test_who_sends_nothing_is_behind_through_its_own_fault(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, pusher = stage.path(Policies(limits=LimitsPolicy(backlog_max=20)))
    for slot in (encoder, pusher):
        slot.start()
        stage.report(slot, 1.0)
    assert pusher.intake
    monkeypatch.setattr(pusher.intake._backlog, "seconds", 17.1, raising=False)
    pusher.look(stage.loop.now + pusher.spec.policies.stall.timeout)
    (silent,) = stage.heard(events.ProcessSilent)
    assert (silent.trouble, silent.seconds) == (Trouble.STALL, pytest.approx(10.0))
    assert pusher.status.reason is RestartReason.STALL
    assert not pusher.status.free, "it costs an attempt"


NO_SUCH_HOST = "[tcp] Failed to resolve hostname a.b: Name or service not known"


@pytest.mark.parametrize("what", ["an order", "another command line", "a start that fails"])
def test_an_end_has_its_own_segment_whatever_comes_right_after_it(stage: Stage, what: str) -> None:
    slot = running(stage, Role.PUSHER, Policies(restart=RestartPolicy(initial_delay=0)))
    stage.told.clear()
    stage.say(slot, NO_SUCH_HOST)
    if what == "a start that fails":
        stage.machine.refuses = OSError(errno.EAGAIN, "Resource temporarily unavailable")
    stage.child.end(code=1)
    if what == "an order":
        slot.restart(RestartReason.OPERATOR)
    elif what == "another command line":
        slot.update(replace(slot.spec, argv=("ffmpeg", "other")), Redactor(()))
    stage.loop.move(0.1)
    exited = stage.heard(events.ProcessExited)[0]
    assert (exited.cause, exited.segment) == (ExitCause.INGEST_UNREACHABLE, Segment.NETWORK)


# --- a start that fails ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "role", "cause"),
    [
        (errno.ENOENT, Role.ENCODER, ExitCause.ENCODER_MISSING),
        (errno.ENOENT, Role.COMMAND, ExitCause.BAD_ARGUMENTS),
        (errno.EAGAIN, Role.ENCODER, ExitCause.OUT_OF_MEMORY),
        (errno.ENOMEM, Role.COMMAND, ExitCause.OUT_OF_MEMORY),
        (errno.EMFILE, Role.ENCODER, ExitCause.OTHER),
    ],
)
def test_a_program_that_cannot_be_started_is_told_counted_and_tried_again(
    stage: Stage, number: int, role: Role, cause: ExitCause
) -> None:
    slot = stage.place(role, Policies(restart=RestartPolicy(initial_delay=1, jitter=0, cooldown=60)))
    stage.machine.refuses = OSError(number, "the system's words")
    slot.start()
    stage.loop.move(LATER)
    (failed,) = stage.heard(events.SpawnFailed)
    assert (failed.cause, failed.error) == (cause, "cannot start ffmpeg: the system's words")
    assert slot.failures.exits[cause] == 1
    assert slot.last_said == failed.error
    assert not slot.alive
    stage.machine.refuses = None
    hopeless = cause in {ExitCause.ENCODER_MISSING, ExitCause.BAD_ARGUMENTS}
    assert slot.status.state is (State.COOLDOWN if hopeless else State.BACKOFF)
    stage.loop.move(60.0)
    assert slot.alive


# --- orders ------------------------------------------------------------------------------------------


def test_a_stop_is_polite_twice_and_then_not(stage: Stage) -> None:
    slot = running(stage, policies=Policies(stop=StopPolicy(second_signal=0.5, kill=3)))
    stage.machine.polite = False
    deaf = stage.child
    slot.stop()
    assert deaf.signals == [signal.SIGTERM]
    stage.loop.move(0.5)
    assert deaf.signals == [signal.SIGTERM] * 2
    stage.loop.move(2.4)
    assert len(deaf.signals) == 2
    stage.loop.move(0.2)
    assert deaf.signals == [signal.SIGTERM, signal.SIGTERM, signal.SIGKILL]
    assert slot.status.state is State.STOPPED
    (exited,) = stage.heard(events.ProcessExited)
    assert (exited.cause, exited.planned) == (ExitCause.STOPPED, True)
    assert slot.last_cause is None
    assert stage.child is deaf, "nobody took its place"


def test_a_restart_on_purpose_is_no_failure(stage: Stage) -> None:
    slot = running(stage)
    slot.restart(RestartReason.OPERATOR)
    stage.loop.move(LATER)
    assert stage.child.pid == 2
    assert slot.excused
    assert [fact.planned for fact in stage.heard(events.ProcessExited)] == [True]
    assert slot.restarts[RestartReason.OPERATOR] == 1


def test_what_failed_before_an_order_has_nothing_to_do_with_what_comes(stage: Stage) -> None:
    slot = running(stage, policies=Policies())
    stage.child.end(code=1)
    assert slot.failures.cause is ExitCause.OTHER
    assert not slot.excused
    slot.restart(RestartReason.OPERATOR)
    assert slot.last_cause is None
    assert slot.excused


def test_who_is_held_waits_for_the_other_one_and_can_be_stopped(stage: Stage) -> None:
    first, second = (
        running(stage, Role.PUSHER, target=("url", "key")),
        stage.place(Role.PUSHER, target=("url", "key")),
    )
    second.start()
    assert second.held
    assert len(stage.machine.children) == 1, "never two publishers on one key"
    second.stop()
    stage.loop.move(LATER)
    assert (second.held, second.status.state) == (False, State.STOPPED)
    second.start()
    first.stop()
    stage.loop.move(LATER)
    stage.claims.release()
    assert second.alive
    assert not second.held


def test_another_command_line_is_for_one_run(stage: Stage) -> None:
    slot = running(stage)
    slot.run_once(["ffmpeg", "black"])
    stage.loop.move(LATER)
    assert stage.child.argv == ["ffmpeg", "black"]
    stage.child.end(code=1)
    assert stage.child.argv[1].startswith("udp://127.0.0.1:")


def test_a_stop_forgets_the_command_line_for_one_run(stage: Stage) -> None:
    slot = running(stage)
    stage.machine.polite = False
    slot.run_once(["ffmpeg", "black"])
    slot.stop()
    stage.loop.move(10.0)
    slot.start()
    assert stage.child.argv != ["ffmpeg", "black"]


def test_only_another_command_line_replaces_the_process(stage: Stage) -> None:
    slot = running(stage)
    same = stage.place(Role.ENCODER, Policies(stall=StallPolicy(timeout=3))).spec
    slot.update(same, Redactor(()))
    assert stage.child.signals == []
    stage.loop.move(3.1)
    assert slot.last_cause is Trouble.STALL, "its deadlines are the new ones"
    other = stage.place(Role.ENCODER, AT_ONCE, argv=("ffmpeg", "other")).spec
    slot.update(other, Redactor(()))
    stage.loop.move(LATER)
    assert stage.child.argv == ["ffmpeg", "other"]


def test_who_is_to_report_from_now_on_is_heard(stage: Stage) -> None:
    slot = stage.place(Role.COMMAND, AT_ONCE, argv=("own",), tracked=False)
    slot.start()
    slot.update(stage.place(Role.COMMAND, AT_ONCE, argv=("own", "{progress}")).spec, Redactor(()))
    stage.loop.move(LATER)
    stage.report(slot, 1.0)
    assert stage.child.argv[1].startswith("udp://127.0.0.1:")
    assert slot.meter.last_advance == stage.loop.now


def test_who_waits_for_an_ingest_that_is_its_own_no_more_tries_the_other_at_once(stage: Stage) -> None:
    slot = running(stage, Role.PUSHER, Policies(), ingest=INGEST)
    stage.child.end(code=1)
    assert slot.status.state is State.BACKOFF
    slot.update(stage.place(Role.PUSHER, ingest=Address("other.example", 1935)).spec, Redactor(()))
    assert slot.alive


def test_what_is_let_go_of_is_closed_and_heard_no_more(stage: Stage) -> None:
    encoder, pusher = stage.path()
    for slot in (encoder, pusher):
        slot.start()
    stage.loop.move(LATER)
    for slot in (encoder, pusher):
        slot.stop()
    stage.loop.move(LATER)
    encoder.close()
    assert pusher.feeder is None
    pusher.close()
    assert stage.loop.readers == {}


# --- what is known of failures -----------------------------------------------------------------------


def test_a_failure_over_a_line_that_is_down_costs_nothing(stage: Stage) -> None:
    slot = running(stage, Role.PUSHER, ingest=INGEST)
    stage.child.end(code=1)
    stage.say(slot, REFUSED)
    stage.world.down = True
    stage.child.end(code=1)
    stage.loop.move(LATER)
    assert slot.last_cause is ExitCause.INGEST_UNREACHABLE
    assert slot.line_is_down()
    assert slot.status.state is State.BACKOFF
    assert slot.status.spent == 0
    slot.dispatch(RetryNow())
    assert slot.alive


def test_a_failure_of_its_own_costs_an_attempt_while_the_line_is_down_too(stage: Stage) -> None:
    slot = running(stage, Role.PUSHER, ingest=INGEST)
    stage.world.down = True
    stage.child.end(number=signal.SIGKILL)
    assert not slot.line_is_down()
    assert slot.status.spent == 1


def test_what_probes_find_later_is_added_and_what_was_known_stays(stage: Stage) -> None:
    slot = running(stage, Role.PUSHER, ingest=INGEST)
    stage.say(slot, REFUSED)
    stage.child.end(code=1)
    stage.loop.move(LATER)
    before = slot.evidence
    assert (before.cause, before.answered, before.ingest) == (ExitCause.INGEST_UNREACHABLE, True, None)
    stage.world.ingest = Reach.NO_ROUTE
    slot.weigh_again()
    assert slot.evidence == before._replace(ingest=stage.world.ingest)


def test_why_a_certificate_is_not_accepted_is_said_until_media_flows(stage: Stage) -> None:
    slot = running(stage, Role.PUSHER, ingest=INGEST)
    words = "the certificate has expired"
    assert not slot.explain(words), "nothing failed for it"
    slot.failures.end()
    slot.failures.blame(ExitCause.INGEST_UNREACHABLE, CERTIFICATE)
    assert slot.explain(words)
    assert slot.last_said == words
    assert slot.failures.in_full(CERTIFICATE) == words
    assert slot.failures.in_full("other words") == "other words"
    stage.child.end(code=1)
    stage.report(slot, 1.0)
    assert slot.failures.in_full(CERTIFICATE) == CERTIFICATE


def test_a_server_that_says_no_is_not_asked_again_at_once(stage: Stage) -> None:
    slot = running(stage)
    stage.say(slot, "[rtsp @ 0x1] method DESCRIBE failed: 401 Unauthorized")
    stage.child.end(code=1)
    assert slot.status.refusal is Refusal.DENIED
    assert slot.refused
    assert not slot.alive


def test_somebody_else_on_our_key_is_named(stage: Stage) -> None:
    slot = running(stage, Role.PUSHER, ingest=INGEST)
    stage.world.rival = "neverdark of /srv/other (pid 7)"
    stage.say(slot, "Server error: Already publishing")
    stage.child.end(code=1)
    stage.loop.move(LATER)
    (exited,) = stage.heard(events.ProcessExited)
    assert "/srv/other" in exited.last_words[-1]
    assert slot.failures.last is not None


def test_silence_goes_on_over_runs_that_never_advanced(stage: Stage) -> None:
    slot = running(stage, policies=Policies(restart=RestartPolicy(initial_delay=1, factor=1, jitter=0)))
    stage.child.end(code=1)
    stage.loop.move(1.5)
    stage.child.end(code=1)
    stage.loop.move(LATER)
    first, second = stage.heard(events.ProcessExited)
    assert first.silent == pytest.approx(LATER)
    assert second.silent == pytest.approx(LATER + 1.5)
    assert slot.meter.last_advance is None


# --- parameters and sources --------------------------------------------------------------------------


def test_other_parameters_need_another_connection(stage: Stage) -> None:
    encoder, pusher = stage.path(AT_ONCE)
    encoder.start()
    pusher.start()
    stage.send(encoder, Parameters(frozenset({b"h1"})))
    stage.send(encoder, Parameters(frozenset({b"h1"}), b"aac"))
    assert stage.child.signals == []
    stage.send(encoder, Parameters(frozenset({b"h2"}), b"aac"))
    assert stage.child.signals == [signal.SIGKILL]
    stage.loop.move(LATER)
    assert pusher.restarts[RestartReason.PARAMETERS] == 1
    assert pusher.excused
    stage.send(encoder, Parameters(frozenset({b"h2"}), b"aac"))
    assert stage.child.signals == [], "the new connection has announced the new ones"


def test_a_pusher_that_is_being_stopped_does_not_come_back_for_other_parameters(stage: Stage) -> None:
    """At the end of a stream another encoder may still bring its own."""
    encoder, pusher = stage.path(AT_ONCE)
    encoder.start()
    pusher.start()
    stage.send(encoder, Parameters(frozenset({b"h1"})))
    pusher.stop()
    stage.send(encoder, Parameters(frozenset({b"h2"})))
    stage.loop.move(LATER)
    assert pusher.status.state is State.STOPPED
    assert not pusher.alive


def test_a_connection_begins_with_the_parameters_that_are_known(stage: Stage) -> None:
    encoder, pusher = stage.path(AT_ONCE)
    encoder.start()
    stage.send(encoder, Parameters(frozenset({b"h1"})))
    pusher.start()
    stage.send(encoder, Parameters(frozenset({b"h2"})))
    assert stage.child.signals == [signal.SIGKILL]


def test_what_a_source_shows_is_in_the_next_command_line(stage: Stage) -> None:
    slot = running(stage, argv=("ffmpeg", "-timeout", "{progress}"))
    assert slot.source
    slot.source._argv = ("ffmpeg", "adapted")
    stage.child.end(code=1)
    assert stage.child.argv == ["ffmpeg", "adapted"]
    slot.update(stage.place(Role.ENCODER, AT_ONCE, argv=("ffmpeg", "other")).spec, Redactor(()))
    stage.loop.move(LATER)
    assert stage.child.argv == ["ffmpeg", "other"], "what was found out was found out of another"


def test_a_pusher_that_had_nothing_to_send_comes_back_at_once_and_for_nothing(stage: Stage) -> None:
    encoder, pusher = stage.path(Policies(), ingest=INGEST)
    for slot in (encoder, pusher):
        slot.start()
        stage.report(slot, 1.0)
    sender = stage.child
    stage.loop.move(60.0)
    assert sender.signals == []
    assert pusher.was_idle(stage.loop.now)
    sender.end(code=1)
    assert pusher.alive
    assert pusher.status.spent == 0
    stage.loop.move(LATER)
    assert pusher.evidence.idle


@pytest.mark.parametrize("ends", [True, False])
def test_a_loop_that_was_late_itself_does_not_take_a_pusher_for_one_that_had_nothing(
    stage: Stage, *, ends: bool
) -> None:
    """What its encoder told meanwhile waits beside its own report, and is heard later: it was given enough."""
    encoder, pusher = stage.path(Policies(), ingest=INGEST)
    for slot in (encoder, pusher):
        slot.start()
        stage.report(slot, 1.0)
    sender = stage.child
    stage.loop.stand_still(6.0)
    stage.report(encoder, 7.0, read=False)
    if ends:
        sender.end(code=1)
    else:
        stage.report(pusher, 7.0)
        assert not pusher.was_idle(stage.loop.now)
        sender.end(code=1)
    stage.loop.move(LATER)
    assert not pusher.evidence.idle
    assert pusher.status.spent == 1


def test_a_port_that_somebody_took_ends_the_start(stage: Stage) -> None:
    slot = stage.place(Role.ENCODER, AT_ONCE, feeds=("yt",))
    slot.start()
    stage.machine.taken = True
    slot.look(stage.loop.now)
    assert stage.child.signals == [signal.SIGKILL]
    assert slot.last_cause is Trouble.PORT_TAKEN


# --- what is shown -----------------------------------------------------------------------------------


def test_a_look_shows_no_state_before_what_led_to_it_and_tells_nothing(stage: Stage) -> None:
    slot = running(stage)
    before = slot.snapshot(stage.loop.now, WALL)
    stage.child.end(code=1)
    turns = stage.world.turns
    during = slot.snapshot(stage.loop.now, WALL)
    assert stage.told == []
    assert stage.world.turns == turns
    shown = ("pid", "run_id", "started", "state", "restarts", "exits", "cpu_seconds", "last_failure")
    assert [getattr(during, name) for name in shown] == [getattr(before, name) for name in shown]
    stage.loop.move(LATER)
    after = slot.snapshot(stage.loop.now, WALL)
    assert (after.pid, after.state) == (2, State.STARTING)
    assert after.exits[ExitCause.OTHER] == 1
    assert after.restarts[RestartReason.EXIT] == 1
    assert after.last_failure is not None


def test_an_end_that_follows_a_start_at_once_is_shown_after_the_start(stage: Stage) -> None:
    """Two turns whose telling is put off: what is shown is never what stood between them half done."""
    slot = running(stage)
    stage.child.end(code=1)
    stage.child.end(code=1)
    during = slot.snapshot(stage.loop.now, WALL)
    assert stage.kinds() == ["ProcessExited", "ProcessStarted"]
    assert (during.pid, during.exits[ExitCause.OTHER], during.restarts[RestartReason.EXIT]) == (2, 1, 1)


def test_a_wait_is_shown_with_its_end(stage: Stage) -> None:
    slot = running(stage, policies=Policies(restart=RestartPolicy(initial_delay=8, jitter=0)))
    stage.child.end(code=1)
    stage.loop.move(2.0)
    shown = slot.snapshot(stage.loop.now, WALL)
    assert (shown.pid, shown.state, shown.backoff_seconds) == (None, State.BACKOFF, 8.0)
    assert shown.retry_at == pytest.approx(WALL + 6.0)
    assert shown.budget_remaining == 9


def test_nobody_is_shown_as_ended_before_the_end_is_counted(stage: Stage) -> None:
    slot = stage.place(Role.COMMAND)
    slot.start()
    stage.loop.move(1)
    slot.stop()
    stage.loop.move(0)
    shown = slot.snapshot(stage.loop.now, stage.machine.wall())
    assert (shown.state, sum(shown.exits.values())) == (State.STOPPING, 0)
    stage.loop.move(1)
    shown = slot.snapshot(stage.loop.now, stage.machine.wall())
    assert (shown.state, sum(shown.exits.values())) == (State.STOPPED, 1)
