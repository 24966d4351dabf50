"""The table of transitions. Pure."""

from __future__ import annotations

from tests.youtube.errors import ApiError
from tests.youtube.model import OVER, State
from tests.youtube.rules import Rules

_MOVING_TO = {
    "testing": {State.TEST_STARTING, State.TESTING},
    "live": {State.LIVE_STARTING, State.LIVE},
    "complete": {State.COMPLETE},
}
ASKED = frozenset(_MOVING_TO)


def transition(state: State, asked: str, *, monitor: bool, active: bool, rules: Rules) -> State:
    """The state right after it. `active` is the bound stream; where none is bound it is not. Raises ApiError."""
    if state in _MOVING_TO[asked]:
        raise ApiError("redundantTransition" if state is not State.COMPLETE else rules.complete_again)
    if state in OVER:
        raise ApiError("invalidTransition")
    if asked == "complete":
        return _complete(state, rules)
    return _forward(state, asked, monitor=monitor, active=active, rules=rules)


def _complete(state: State, rules: Rules) -> State:
    if state in {State.TEST_STARTING, State.LIVE_STARTING}:
        raise _unwritten(rules)
    if state not in {State.TESTING, State.LIVE}:
        raise ApiError("invalidTransition")
    return State.COMPLETE


def _forward(state: State, asked: str, *, monitor: bool, active: bool, rules: Rules) -> State:
    if state in {State.CREATED, State.TEST_STARTING}:
        raise _unwritten(rules)
    if asked == "testing":
        possible = state is State.READY and monitor
    else:
        possible = state is State.TESTING or (state is State.READY and not monitor)
    if not possible:
        raise ApiError("invalidTransition")
    if not active:
        raise ApiError("errorStreamInactive")
    return State.TEST_STARTING if asked == "testing" else State.LIVE_STARTING


def _unwritten(rules: Rules) -> ApiError:
    code, reason = rules.unwritten
    return ApiError(reason, code=code)
