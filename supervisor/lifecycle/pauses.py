"""How long to wait and when to stop hurrying. Pure: the same numbers in, the same numbers out."""

from __future__ import annotations

from supervisor.model.policies import RestartPolicy
from supervisor.model.terms import ExitCause, Refusal

# Trying again at once cannot help: somebody must change the configuration or the machine first.
HOPELESS = frozenset({ExitCause.BAD_ARGUMENTS, ExitCause.ENCODER_MISSING})
# An ingest that does not say why it refuses, and a full disk: neither is otherwise a moment later.
_AS_IF_BUSY = frozenset({ExitCause.INGEST_REFUSED, ExitCause.DISK_FULL})
# A server that says no says it again a second later, and may lock out who keeps asking.
_REFUSED_FIRST_DELAY = 10.0
# Cameras lock out after five to ten tries within some minutes; who is only busy may have room again at any moment.
_REFUSED_MAX_DELAY = {Refusal.BUSY: 60.0, Refusal.LIMITED: 300.0, Refusal.DENIED: 300.0}
_REFUSED_FACTOR, _REFUSED_MOST_JITTER = 2.0, 0.2
# After these it is still the same server, and it has counted us.
_FORGET_NO_REFUSAL = frozenset({ExitCause.SOURCE_UNREACHABLE, ExitCause.SOURCE_REFUSED})
# Encoder and pusher tell their progress twice a second each, and not at the same moment.
_FEED_SLACK = 1.5
_IDLE_AFTER = 3.0
# A key that was accepted a minute ago is not wrong: the server still holds our own connection that broke.
_GHOST_SECONDS = 60.0
GHOST_DELAY = 3.0
_MAX_EXPONENT = 64  # beyond it every factor above 1 has long reached the cap, and floats could overflow


def is_ghost(worked: float | None, now: float) -> bool:
    """Whether a server that refuses does so only because it still holds our own connection that broke.

    `worked`: when a run of ours was accepted last (None: none was).
    """
    return worked is not None and now - worked <= _GHOST_SECONDS


def how_refused(cause: ExitCause, refusal: Refusal | None) -> Refusal | None:
    """How a server refused, or what is like it: the answer will be the same for a while."""
    return Refusal.BUSY if cause in _AS_IF_BUSY else refusal


def must_not_be_hurried(refusal: Refusal | None) -> bool:
    """Whether a server that refused like this counts how often it is asked."""
    return refusal in _REFUSED_MAX_DELAY


def refusals_in_a_row(before: int, cause: ExitCause, *, refused: bool) -> int:
    """How often a server that must not be hurried has refused by now.

    A source that is out of reach for a while, because it has locked us out or starts anew, has not changed its mind.
    """
    if refused:
        return before + 1
    return before if cause in _FORGET_NO_REFUSAL else 0


def backoff_delay(restart: RestartPolicy, spent: int, random: float, *, refused: Refusal | None) -> float:
    """Seconds to wait before the next attempt.

    `spent` attempts were made since the budget was full; of a server that `refused` and must not be hurried, how often
    it has. `random`, 0 to 1, takes up to `jitter` off, so that many processes do not return in step; nothing is added,
    so that `max_delay` is the longest wait.
    """
    first, cap, factor, jitter = restart.initial_delay, restart.max_delay, restart.factor, restart.jitter
    if refused in _REFUSED_MAX_DELAY:
        first, cap = max(first, _REFUSED_FIRST_DELAY), max(cap, _REFUSED_MAX_DELAY[refused])
        factor, jitter = max(factor, _REFUSED_FACTOR), min(jitter, _REFUSED_MOST_JITTER)
    delay = min(cap, first * factor ** min(spent, _MAX_EXPONENT))
    return delay * (1 - jitter * random)


def slow_delay(restart: RestartPolicy, quick: float, refused: Refusal | None) -> float:
    """Seconds to wait when the attempts are spent or of no use; `quick` is the wait that `backoff_delay` would have.

    What a relay does not have yet comes when its publisher does, and asking for it locks nobody out.
    """
    if refused is Refusal.NOT_THERE:
        return min(restart.cooldown, max(restart.max_delay, _REFUSED_FIRST_DELAY))
    return max(restart.cooldown, quick) if must_not_be_hurried(refused) else restart.cooldown


def fed_enough(fed: float, limit: float) -> bool:
    """Whether a process that is silent has been given enough to be held to account for it.

    `fed` are the media seconds that it got since it last advanced, `limit` the seconds that it may be silent.
    """
    return fed >= limit - min(_FEED_SLACK, limit / 2)


def had_nothing(silent: float, fed: float | None, usual: float) -> bool:
    """Whether a pusher that has been `silent` for so many seconds had nothing to send, for longer than is `usual`.

    `fed` are the media seconds that it got in this time; None: it is nobody's to feed.
    """
    return fed is not None and fed < _IDLE_AFTER < silent - usual


def budget_allows(restart: RestartPolicy, spent: int, cause: ExitCause) -> bool:
    """Whether another quick attempt is left, and whether one could help at all."""
    return spent < restart.attempts and cause not in HOPELESS
