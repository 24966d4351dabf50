"""What happens to a broadcast by itself. Pure."""

from __future__ import annotations

from dataclasses import replace

from tests.youtube.model import UPCOMING, Broadcast, State
from tests.youtube.rules import Rules


def entered(broadcast: Broadcast, state: State, at: float) -> Broadcast:
    """The same broadcast in another state."""
    changed = replace(broadcast, state=state, since=at)
    if state is State.LIVE:
        changed = replace(changed, started=at)
    if state is State.COMPLETE:
        changed = replace(changed, ended=at)
    return changed


def coming(broadcast: Broadcast, *, active: bool, changed: float, rules: Rules) -> tuple[float, State] | None:
    """What it becomes next if nobody does anything, and when; `changed` is when its stream became (in)active."""
    state, details = broadcast.state, broadcast.details
    if state in rules.stuck:
        return None
    if state in UPCOMING:
        return _auto_start(broadcast, changed, rules) if active and details["enableAutoStart"] else None
    if state in {State.TESTING, State.LIVE}:
        over = not active and details["enableAutoStop"]
        return (max(changed, broadcast.since) + rules.auto_stop_after, State.COMPLETE) if over else None
    starting = {State.TEST_STARTING: rules.test_starting, State.LIVE_STARTING: rules.live_starting}
    if state not in starting or not active:
        return None  # without media it never gets there
    return broadcast.since + starting[state], State.TESTING if state is State.TEST_STARTING else State.LIVE


def _auto_start(broadcast: Broadcast, changed: float, rules: Rules) -> tuple[float, State] | None:
    if not broadcast.stream or (changed < broadcast.bound and not rules.auto_start_on_active):
        return None
    return max(changed, broadcast.bound) + rules.auto_start_after, State.LIVE_STARTING
