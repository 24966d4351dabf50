"""The lifecycle as a table: every state × event is a move or is ignored by name, and the moves are right."""

from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.lifecycle import table as lifecycle
from supervisor.lifecycle.ignored import IGNORED
from supervisor.lifecycle.table import step
from supervisor.lifecycle.types import (
    Advanced,
    AskedToWait,
    Came,
    Event,
    Exited,
    Kill,
    LineLost,
    PoliciesChanged,
    Refilled,
    Restart,
    RetryNow,
    Silent,
    Spawn,
    Start,
    Status,
    Step,
    Stop,
    Terminate,
    Tick,
    UplinkBlocked,
    Useless,
    View,
    Waiting,
)
from supervisor.model import policies
from supervisor.model.policies import Policies
from supervisor.model.terms import ExitCause, RestartReason, State, Trouble

POLICIES = Policies()
EVENTS: tuple[type[Event], ...] = typing.get_args(Event)
ALIVE = {State.STARTING, State.RUNNING, State.STOPPING}


def view(now: float, **known: object) -> View:
    return View(now, POLICIES)._replace(**known)  # type: ignore[arg-type]  # the fields of View, by name


def running(now: float = 10.0, **status: object) -> Status:
    """A process that has just shown its first progress at `now`."""
    started = step(Status(), Start(), view(now - 1)).status
    return step(started, Advanced(), view(now, last_advance=now)).status._replace(**status)  # type: ignore[arg-type]


def make(kind: type[Event]) -> Event:
    if kind is Exited:
        return Exited(ExitCause.OTHER)
    if kind is Useless:
        return Useless(RestartReason.UPLINK, Trouble.BACKLOG)
    if kind is AskedToWait:
        return AskedToWait(300.0)
    return Restart(RestartReason.OPERATOR) if kind is Restart else kind()  # type: ignore[call-arg]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", EVENTS)
def test_every_state_and_event_is_a_move_or_is_ignored_by_name(state: State, event: type[Event]) -> None:
    moves, ignored = event in lifecycle._TABLE[state], event in IGNORED[state]
    assert moves != ignored
    if ignored:
        status = Status(state=state, wanted=True, run=1, since=1.0, deadline=2.0)
        assert step(status, make(event), view(5.0)) == Step(status)


def test_a_first_start_spawns_without_a_reason() -> None:
    result = step(Status(), Start(), view(5.0))
    assert result.actions == (Spawn(None),)
    assert (result.status.state, result.status.run) == (State.STARTING, 1)
    assert result.status.deadline == 5.0 + POLICIES.stall.startup


def test_what_reports_no_progress_runs_from_its_start() -> None:
    result = step(Status(), Start(), view(5.0, tracked=False))
    assert result.status.state is State.RUNNING


def test_what_somebody_else_has_started_has_all_its_time_from_then_on() -> None:
    waiting = step(Status(), Start(), view(5.0)).status
    came = step(waiting, Came(), view(25.0)).status
    assert (came.state, came.deadline, came.run) == (State.STARTING, 25.0 + POLICIES.stall.startup, 1)
    silent = step(waiting, Came(), view(25.0, tracked=False)).status
    assert (silent.state, silent.since) == (State.RUNNING, 25.0), "who reports nothing runs by being there"


def test_an_exit_waits_and_then_spawns_with_its_reason() -> None:
    waiting = step(running(), Exited(ExitCause.OTHER), view(11.0)).status
    assert (waiting.state, waiting.deadline, waiting.spent) == (State.BACKOFF, 11.5, 1)
    assert step(waiting, Tick(), view(11.4)).actions == ()
    again = step(waiting, Tick(), view(11.5))
    assert again.actions == (Spawn(RestartReason.EXIT),)


def test_without_a_delay_the_next_run_begins_in_the_same_step() -> None:
    at_once = POLICIES.model_copy(update={"restart": policies.RestartPolicy(initial_delay=0)})
    result = step(running(), Exited(ExitCause.KILLED), view(11.0)._replace(policies=at_once))
    assert result.actions == (Spawn(RestartReason.EXIT),)
    assert result.status.state is State.STARTING


def test_the_budget_is_spent_in_about_65_seconds_and_then_slow_retries_go_on_for_ever() -> None:
    now, status = 0.0, step(Status(), Start(), view(0.0)).status
    attempts = 0
    while True:
        status = step(status, Exited(ExitCause.OTHER), view(now)).status
        if status.state is State.COOLDOWN:
            break
        assert status.deadline is not None
        now = status.deadline
        status = step(status, Tick(), view(now)).status
        attempts += 1
    assert attempts == POLICIES.restart.attempts
    assert now == pytest.approx(65.5)
    for _ in range(50):
        assert status.deadline == pytest.approx(now + POLICIES.restart.cooldown)
        now = typing.cast(float, status.deadline)
        status = step(status, Tick(), view(now)).status
        assert status.state is State.STARTING
        status = step(status, Exited(ExitCause.OTHER), view(now)).status
        assert status.state is State.COOLDOWN


def test_launching_does_not_refill_the_budget_only_sustained_progress_does() -> None:
    status = running(10.0, spent=7)
    almost = step(status, Tick(), view(69.0, last_advance=69.0))
    assert almost.status.spent == 7
    refilled = step(status, Tick(), view(70.5, last_advance=70.2))
    assert refilled.status.spent == 0
    assert refilled.notices == (Refilled(),)


def test_ten_crashes_in_a_month_do_not_spend_the_budget() -> None:
    """The count of attempts is not for life."""
    day, now, status = 86400.0, 10.0, running(10.0)
    for _ in range(30):
        now += 3 * day
        status = step(status, Tick(), view(now, last_advance=now)).status
        status = step(status, Exited(ExitCause.OTHER), view(now)).status
        assert status.state is State.BACKOFF
        assert status.delay == POLICIES.restart.initial_delay
        now = typing.cast(float, status.deadline)
        status = step(status, Tick(), view(now)).status
        status = step(status, Advanced(), view(now, last_advance=now)).status


@pytest.mark.parametrize("cause", [ExitCause.BAD_ARGUMENTS, ExitCause.ENCODER_MISSING])
def test_what_can_never_work_is_not_retried_like_a_hiccup(cause: ExitCause) -> None:
    """The same arguments fail in the same way half a second later."""
    status = step(running(), Exited(cause), view(11.0)).status
    assert (status.state, status.deadline) == (State.COOLDOWN, 11.0 + POLICIES.restart.cooldown)


def test_a_refusing_ingest_is_asked_again_from_ten_seconds_on() -> None:
    status = step(running(), Exited(ExitCause.INGEST_REFUSED), view(11.0)).status
    assert (status.state, status.deadline) == (State.BACKOFF, 21.0)


@pytest.mark.parametrize(
    ("last_advance", "due", "reason"),
    [(None, 9.0 + 30.0, RestartReason.START_TIMEOUT), (12.0, 12.0 + 10.0, RestartReason.STALL)],
)
def test_no_advance_is_a_stall_whatever_is_reported(
    last_advance: float | None, due: float, reason: RestartReason
) -> None:
    """Alive is not enough: the deadline moves with every advance and with nothing else."""
    status = running(10.0) if last_advance else step(Status(), Start(), view(9.0)).status
    early = step(status, Tick(), view(due - 0.1, last_advance=last_advance))
    assert early.actions == ()
    assert early.status.deadline is not None
    late = step(status, Tick(), view(due, last_advance=last_advance))
    assert late.actions == (Kill(),)
    assert late.notices[0] == Silent(reason, pytest.approx(due - (last_advance or 9.0)))  # type: ignore[arg-type]
    after = step(late.status, Exited(ExitCause.KILLED), view(due + 0.01)).status
    assert (after.state, after.reason) == (State.BACKOFF, reason)


def test_a_pusher_whose_encoder_delivers_nothing_waits() -> None:
    for now in (22.0, 50.0, 5000.0):
        result = step(running(10.0), Tick(), view(now, fed=0.0, last_advance=12.0))
        assert result.actions == ()
        assert result.status.deadline is not None


def test_a_pusher_that_was_never_fed_waits() -> None:
    status = step(Status(), Start(), view(9.0)).status
    assert step(status, Tick(), view(4000.0, fed=0.0)).actions == ()


def test_a_pusher_is_held_to_account_for_what_its_encoder_delivered() -> None:
    """However the encoder delivers it: evenly, after a long silence, or in bursts."""
    assert step(running(10.0), Tick(), view(109.0, fed=8.0, last_advance=12.0)).actions == ()
    assert step(running(10.0), Tick(), view(110.0, fed=9.0, last_advance=12.0)).actions == (Kill(),)
    assert step(running(10.0), Tick(), view(21.9, fed=30.0, last_advance=12.0)).actions == ()


def test_other_policies_hold_at_once() -> None:
    waiting = step(running(), Exited(ExitCause.BAD_ARGUMENTS), view(11.0)).status
    hasty = POLICIES.model_copy(update={"restart": policies.RestartPolicy(cooldown=2)})
    assert step(waiting, PoliciesChanged(), view(12.0)._replace(policies=hasty)).status.deadline == 13.0
    strict = POLICIES.model_copy(update={"stall": policies.StallPolicy(timeout=3)})
    late = view(15.0, last_advance=11.0)._replace(policies=strict)
    assert step(running(10.0), PoliciesChanged(), late).actions == (Kill(),)


def test_a_stop_without_patience_kills_in_time() -> None:
    stop = policies.StopPolicy(second_signal=8, kill=1)
    hurried = view(20.0)._replace(policies=POLICIES.model_copy(update={"stop": stop}))
    first = step(running(), Stop(), hurried)
    assert first.status.deadline == 21.0
    assert step(first.status, Tick(), hurried._replace(now=21.0)).actions == (Kill(),)


def test_a_blocked_uplink_is_killed_once() -> None:
    result = step(running(), UplinkBlocked(), view(20.0))
    assert result.actions == (Kill(),)
    assert step(result.status, UplinkBlocked(), view(21.0)).actions == ()
    after = step(result.status, Exited(ExitCause.KILLED), view(21.0)).status
    assert after.reason is RestartReason.UPLINK


@pytest.mark.parametrize(("measured", "told"), [(9.0, 9.0), (None, POLICIES.uplink.timeout)])
def test_how_long_an_uplink_was_blocked_is_what_was_measured_there(measured: float | None, told: float) -> None:
    result = step(running(), UplinkBlocked(measured), view(20.0))
    assert result.notices == (Silent(RestartReason.UPLINK, told),)


@pytest.mark.parametrize("state", [State.STARTING, State.RUNNING])
def test_what_is_useless_is_killed_once_and_the_trouble_is_named(state: State) -> None:
    useless = Useless(RestartReason.STALL, Trouble.CLOCK_JUMPED)
    result = step(running()._replace(state=state), useless, view(20.0, last_advance=19.9))
    assert result.actions == (Kill(),)
    assert result.notices == (Silent(RestartReason.STALL, 0.0, Trouble.CLOCK_JUMPED),)
    assert result.status.deadline is None
    assert step(result.status, useless, view(20.1)) == Step(result.status)
    after = step(result.status, Exited(ExitCause.KILLED), view(20.2)).status
    assert (after.state, after.spent, after.reason) == (State.BACKOFF, 1, RestartReason.STALL)


@pytest.mark.parametrize("line_down", [False, True])
@pytest.mark.parametrize("spent", [0, 4, POLICIES.restart.attempts])
def test_what_is_useless_through_no_fault_of_its_own_is_replaced_soon_and_free(
    spent: int,
    line_down: bool,  # noqa: FBT001 - a row of the table
) -> None:
    ending = step(running(spent=spent), Useless(RestartReason.UPLINK, Trouble.BACKLOG, free=True), view(20.0)).status
    waiting = step(ending, Exited(ExitCause.KILLED), view(20.1, line_down=line_down)).status
    assert (waiting.state, waiting.spent, waiting.delay) == (State.BACKOFF, spent, POLICIES.restart.initial_delay)
    after = step(waiting, Tick(), view(20.2 + waiting.delay))
    assert after.actions == (Spawn(RestartReason.UPLINK),), "a moment later: the server must learn first"
    assert (after.status.state, after.status.spent, after.status.free) == (State.STARTING, spent, False)
    next_failure = step(after.status, Exited(ExitCause.OTHER), view(21.0)).status
    assert next_failure.spent == min(spent + 1, POLICIES.restart.attempts), "only that one was free"


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("state", [State.STOPPED, State.BACKOFF, State.COOLDOWN, State.STOPPING])
def test_what_does_not_run_cannot_be_useless(state: State, free: bool) -> None:  # noqa: FBT001 - a row of the table
    status = Status(state=state, wanted=state is not State.STOPPED, run=1, since=1.0, deadline=2.0)
    assert step(status, Useless(RestartReason.UPLINK, Trouble.BACKLOG, free=free), view(5.0)) == Step(status)


def test_a_stop_while_a_useless_run_ends_is_a_stop() -> None:
    ending = step(running(), Useless(RestartReason.UPLINK, Trouble.BACKLOG, free=True), view(20.0)).status
    stopping = step(ending, Stop(), view(20.01)).status
    gone = step(stopping, Exited(ExitCause.KILLED), view(20.02))
    assert (gone.status.state, gone.status.free, gone.actions) == (State.STOPPED, False, ())


@pytest.mark.parametrize(("last_advance", "limit"), [(12.0, 10.0), (None, 30.0)], ids=["media", "the first media"])
def test_a_source_that_is_usually_silent_for_a_while_has_that_much_longer(
    last_advance: float | None, limit: float
) -> None:
    status = running(10.0) if last_advance else step(Status(), Start(), view(9.0)).status
    due = (last_advance or 9.0) + limit + 17.5
    early = step(status, Tick(), view(due - 0.1, last_advance=last_advance, usual=17.5))
    assert early.actions == ()
    assert step(status, Tick(), view(due, last_advance=last_advance, usual=17.5)).actions == (Kill(),)


@pytest.mark.parametrize("spent", [0, 3, POLICIES.restart.attempts])
@pytest.mark.parametrize("state", [State.STARTING, State.RUNNING])
def test_who_has_failed_at_nothing_is_there_again_at_once_and_free(state: State, spent: int) -> None:
    alive = running(10.0, spent=spent, state=state)
    result = step(alive, Exited(ExitCause.INGEST_CLOSED, again=True), view(100.0))
    assert result.actions == (Spawn(RestartReason.EXIT),)
    assert (result.status.state, result.status.spent, result.status.since) == (State.STARTING, spent, 100.0)
    assert result.notices == ()


def test_a_planned_stop_asks_twice_and_then_kills() -> None:
    first = step(running(), Stop(), view(20.0))
    assert first.actions == (Terminate(),)
    second = step(first.status, Tick(), view(20.5))
    assert second.actions == (Terminate(),)
    assert second.status.deadline == 23.0
    third = step(second.status, Tick(), view(23.0))
    assert third.actions == (Kill(),)
    gone = step(third.status, Exited(ExitCause.STOPPED), view(23.1))
    assert (gone.status.state, gone.status.wanted, gone.actions) == (State.STOPPED, False, ())


def test_a_stop_in_a_backoff_is_obeyed_at_once() -> None:
    """The reference held a lock through its backoff, and every stop waited for it."""
    waiting = step(running(), Exited(ExitCause.OTHER), view(11.0)).status
    assert step(waiting, Stop(), view(11.1)).status.state is State.STOPPED


def test_a_planned_restart_costs_nothing() -> None:
    stopping = step(running(spent=9), Restart(RestartReason.OPERATOR), view(20.0)).status
    again = step(stopping, Exited(ExitCause.STOPPED), view(20.2))
    assert again.actions == (Spawn(RestartReason.OPERATOR),)
    assert again.status.spent == 0


def test_who_waits_for_an_ingest_need_not_wait_longer_when_it_is_back() -> None:
    waiting = step(running(), Exited(ExitCause.INGEST_UNREACHABLE), view(11.0)).status
    assert step(waiting, RetryNow(), view(11.01)).actions == (Spawn(RestartReason.EXIT),)


def test_a_server_that_still_holds_our_broken_connection_is_asked_again_soon_and_that_costs_nothing() -> None:
    status = step(running(10.0), Exited(ExitCause.INGEST_CLOSED), view(20.0)).status
    assert (status.spent, status.worked) == (1, 20.0)
    now = 20.0
    while True:
        now = typing.cast(float, status.deadline)
        status = step(status, Tick(), view(now)).status
        status = step(status, Exited(ExitCause.INGEST_REFUSED), view(now)).status
        if status.refusals:
            break
        assert (status.state, status.spent, status.deadline) == (State.BACKOFF, 1, now + 3.0)
    assert 80.0 < now <= 83.0, "after a minute it is no ghost any more"
    assert (status.state, status.spent, status.deadline) == (State.BACKOFF, 2, now + 10.0)


def test_a_server_that_says_no_is_asked_less_and_less_often_whatever_was_spent_before() -> None:
    status, waits = step(Status(), Start(), view(10.0)).status._replace(spent=3), []
    for _ in range(4):
        status = step(status, Exited(ExitCause.INGEST_REFUSED), view(20.0)).status
        waits.append(status.delay)
        status = step(status, RetryNow(), view(20.0)).status
    assert waits == [10.0, 20.0, 40.0, 60.0]
    assert step(status, Exited(ExitCause.OTHER), view(30.0)).status.refusals == 0


# --- our own line --------------------------------------------------------------------------------------


def lost(now: float, **known: object) -> View:
    return view(now, line_down=True, **known)


@pytest.mark.parametrize("cause", [ExitCause.INGEST_UNREACHABLE, ExitCause.INGEST_CLOSED, ExitCause.BAD_ARGUMENTS])
def test_while_the_line_is_down_a_failure_costs_no_attempt(cause: ExitCause) -> None:
    """An outage of our own line never ends the retries."""
    result = step(running(spent=4, proven=4), Exited(cause), lost(20.0))
    assert (result.status.state, result.status.spent, result.status.deadline) == (State.BACKOFF, 4, 320.0)
    assert result.actions == ()
    assert result.notices == (Waiting(State.BACKOFF, 300.0, POLICIES.restart.attempts - 4),)


def test_what_was_attempted_in_vain_is_given_back_and_nothing_else() -> None:
    status = running(10.0, spent=3)
    status = step(status._replace(state=State.STARTING), Advanced(), view(11.0, last_advance=11.0)).status
    assert status.proven == 3, "these were spent before it last made progress"
    now = 20.0
    for _ in range(4):
        status = step(status, Exited(ExitCause.INGEST_UNREACHABLE), view(now)).status
        now = typing.cast(float, status.deadline)
        status = step(status, Tick(), view(now)).status
    assert (status.state, status.spent) == (State.STARTING, 7)
    status = step(status, Exited(ExitCause.INGEST_UNREACHABLE), lost(now)).status
    assert (status.state, status.spent) == (State.BACKOFF, 3)


@pytest.mark.parametrize("state", [State.BACKOFF, State.COOLDOWN])
def test_who_waits_when_the_line_is_lost_waits_for_the_line(state: State) -> None:
    waiting = Status(state=state, wanted=True, since=90.0, run=9, spent=10, proven=2, deadline=101.0, delay=11.0)
    result = step(waiting, LineLost(), lost(100.0))
    assert (result.status.state, result.status.spent, result.status.deadline) == (State.BACKOFF, 2, 400.0)
    assert result.actions == ()
    assert step(result.status, Tick(), lost(399.0)).actions == ()
    assert step(result.status, PoliciesChanged(), lost(399.0)).status.deadline == 400.0
    back = step(result.status, RetryNow(), view(250.0))
    assert back.actions == (Spawn(waiting.reason),)
    assert (back.status.state, back.status.spent) == (State.STARTING, 2)


def test_who_says_that_the_line_is_down_may_be_wrong_so_it_is_tried_all_the_same_at_length() -> None:
    status = step(running(), Exited(ExitCause.INGEST_UNREACHABLE), lost(20.0)).status
    for number in range(1, 20):
        now = 20.0 + 300 * number
        tried = step(status, Tick(), lost(now))
        assert tried.actions == (Spawn(RestartReason.EXIT),)
        status = step(tried.status, Exited(ExitCause.INGEST_UNREACHABLE), lost(now)).status
        assert (status.state, status.spent) == (State.BACKOFF, 0)


def test_what_connects_into_the_void_is_ended_and_costs_nothing() -> None:
    starting = step(Status(), Start(), view(10.0)).status
    ended = step(starting, LineLost(), lost(12.0))
    assert ended.actions == (Kill(),)
    assert step(ended.status, Tick(), lost(100.0)).actions == (), "it was killed, its exit is still to come"
    gone = step(ended.status, Exited(ExitCause.KILLED), lost(12.01)).status
    assert (gone.state, gone.spent, gone.reason) == (State.BACKOFF, 0, RestartReason.EXIT)


def test_what_runs_may_outlast_a_lost_line() -> None:
    status = running(10.0)
    assert step(status, LineLost(), lost(11.0)) == Step(status)


@pytest.mark.parametrize(
    "status",
    [Status(), running()._replace(state=State.STOPPING), running()._replace(state=State.STOPPING, wanted=False)],
    ids=["stopped", "being replaced", "being stopped"],
)
def test_a_lost_line_starts_and_ends_nothing(status: Status) -> None:
    assert step(status, LineLost(), lost(11.0)) == Step(status)


def test_a_stop_is_obeyed_while_it_waits_for_the_line() -> None:
    waiting = step(running(), Exited(ExitCause.INGEST_UNREACHABLE), lost(20.0)).status
    assert step(waiting, Stop(), lost(21.0)).status.state is State.STOPPED


def test_sustained_progress_and_a_planned_restart_leave_nothing_to_give_back() -> None:
    spent = running(10.0, spent=7, proven=5)
    refilled = step(spent, Tick(), view(71.0, last_advance=70.5)).status
    restarted = step(spent, Restart(RestartReason.OPERATOR), view(20.0)).status
    assert (refilled.spent, refilled.proven) == (restarted.spent, restarted.proven) == (0, 0)


@given(
    st.lists(
        st.tuples(st.sampled_from(EVENTS), st.floats(0, 40), st.sampled_from(ExitCause), st.booleans()), max_size=60
    )
)
def test_whatever_happens_the_machine_stays_lawful(
    history: list[tuple[type[Event], float, ExitCause, bool]],
) -> None:
    """One process at most, a deadline wherever it waits, and an unwanted one never spawns."""
    status, alive, now, advance = Status(), False, 0.0, None
    for kind, pause, cause, line_down in history:
        now += pause
        if kind is Exited and not alive:
            continue  # only what lives can exit
        event = Exited(cause) if kind is Exited else make(kind)
        if kind is Advanced:
            advance = now
        before = status
        result = step(status, event, view(now, last_advance=advance, line_down=line_down))
        status = result.status
        if kind is Exited:
            alive = False
        for action in result.actions:
            if isinstance(action, Spawn):
                assert not alive
                assert status.wanted
                assert status.run == before.run + 1
                alive, advance = True, None
            else:
                assert alive
        assert alive == (status.state in ALIVE)
        assert 0 <= status.proven <= status.spent <= POLICIES.restart.attempts
        if line_down and kind in {Exited, LineLost}:
            assert status.spent <= before.spent, "our own line costs no attempt"
        if status.state in {State.BACKOFF, State.COOLDOWN}:
            assert status.deadline is not None
            assert status.wanted
        if status.state is State.STOPPED:
            assert not status.wanted
