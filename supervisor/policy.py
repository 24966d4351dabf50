"""How long to wait and when to stop hurrying. Pure: the same numbers in, the same numbers out."""

from __future__ import annotations

from supervisor.config import Restart
from supervisor.model import ExitCause

# Trying again at once cannot help: somebody must change the configuration or the machine first.
HOPELESS = frozenset({ExitCause.BAD_ARGUMENTS, ExitCause.ENCODER_MISSING})
# A server that says no says it again a second later, and may lock out who keeps asking.
_REFUSED_FIRST_DELAY = 10.0
_REFUSED_MAX_DELAY = 60.0
_MAX_EXPONENT = 64  # beyond it every factor above 1 has long reached the cap, and floats could overflow


def backoff_delay(restart: Restart, spent: int, cause: ExitCause, random: float) -> float:
    """Seconds to wait before the next attempt.

    `spent` attempts were made since the budget was full. `random`, 0 to 1, takes up to `jitter` off, so that
    many processes do not return in step; nothing is added, so that `max_delay` is the longest wait.
    """
    first, cap = restart.initial_delay, restart.max_delay
    if cause is ExitCause.INGEST_REFUSED:
        first, cap = max(first, _REFUSED_FIRST_DELAY), max(cap, _REFUSED_MAX_DELAY)
    delay = min(cap, first * restart.factor ** min(spent, _MAX_EXPONENT))
    return delay * (1 - restart.jitter * random)


def budget_allows(restart: Restart, spent: int, cause: ExitCause) -> bool:
    """Whether another quick attempt is left, and whether one could help at all."""
    return spent < restart.attempts and cause not in HOPELESS
