"""Within what time a stream must be on air again after the last fault on its path has ended. Pure.

Computed from the policies of the stream and from what the faults leave behind. The figures that no policy sets are what
the documents promise, and are written here a second time on purpose: who changes them in the product hears of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from supervisor.model.policies import Policies, RestartPolicy
from tests.simulation.expected import EXPECTED
from tests.simulation.fault import Fault, Kind

START = 10.0  # a start, its connection and the wait for a keyframe, in this world
GLANCE = 2.0  # what is gone for less may be back before anybody has looked
LOOK = 36.0  # a look at a place that is gone comes every 30 s at the latest and takes 5 s
REFUSED = 300.0  # the longest wait for a server that refuses
BUSY = 60.0  # likewise for one that may have room again
GHOST = 63.0  # so long a server may hold a connection of ours that broke; it is asked every 3 s
RETURNS = 30.0  # until another source is shown that has been good for as long as it must
CLOSING = 45.0  # an incident closes after 30 s without a break

# A start that falls into these may hang until it is given up.
_HANG = frozenset[Kind](
    {
        "source_gone",
        "source_silent",
        "rung_gone",
        "rung_silent",
        "ingest_freezes",
        "ingest_slow",
        "line_down",
        "dns_down",
    },
)
# Nobody is told by the process itself that these have happened: silence is waited for.
_SILENT = frozenset[Kind]({"encoder_hangs", "encoder_mute", "encoder_stopped", "pusher_hangs"})
# A look tells when these are over, so that even who is out of attempts need not wait.
_SEEN = frozenset[Kind]({"ingest_down", "line_down", "dns_down"})
# A relay that is gone may say so in words that mean that it is busy.
_REFUSED: Mapping[Kind, float] = {
    "source_refused": REFUSED,
    "source_gone": BUSY,
    "rung_refused": REFUSED,
    "rung_gone": BUSY,
    "ingest_refuses": BUSY,
    "ingest_ghost": BUSY,
}
# The second layer's checks go by the wall clock, until it is seen that they do not run.
_CLOCKS = frozenset[Kind]({"clock_step", "late_loop"})
_IDLE = frozenset[Kind]({"clock_step", "disk_full", "looks_fail", "reload_bad", "reload_same"})


def bound(policies: Policies, faults: Sequence[Fault]) -> float:
    """Seconds after the end of the last of these faults, which followed each other closely on one path."""
    kinds = {fault.kind for fault in faults if fault.kind not in _IDLE}
    clock = 2 * policies.watchdog.interval + 5.0 if any(fault.kind in _CLOCKS for fault in faults) else 5.0
    if not kinds:
        return clock
    stall, restart = policies.stall, policies.restart
    noticed = stall.timeout + 2.0 if kinds & _SILENT else 2.0
    hangs = stall.startup + 2.0 if kinds & _HANG else 0.0
    blocked = 2 * policies.uplink.timeout + 4.0 if _may_block(kinds) else 0.0
    looks = LOOK if kinds & _SEEN else 0.0
    stops = policies.stop.kill + 1.0
    return max(clock, noticed + hangs + blocked + max(looks, _wait(restart, faults, kinds)) + stops + 2 * START)


def _wait(restart: RestartPolicy, faults: Sequence[Fault], kinds: set[Kind]) -> float:
    """The longest pause before an attempt that can begin while a fault still lasts."""
    refused = max((_REFUSED.get(kind, 0.0) for kind in kinds), default=0.0)
    wait = max(restart.max_delay, refused, GHOST if "ingest_ghost" in kinds else 0.0)
    if attempts_for(restart, faults) < restart.attempts:
        return wait
    seen = kinds <= _SEEN and all(fault.lasts >= GLANCE for fault in faults if fault.kind in kinds)
    return LOOK if seen else max(wait, restart.cooldown)


def _may_block(kinds: set[Kind]) -> bool:
    return bool(kinds & {"ingest_freezes", "ingest_slow", "line_down", "late_loop", "drill_uplink", "pusher_hangs"})


def attempts_for(restart: RestartPolicy, faults: Iterable[Fault]) -> int:
    """How many attempts these can cost at the most: each one, and more for each pause that fits into its time."""
    spent = 0
    for fault in faults:
        if not EXPECTED[fault.kind].segments:
            continue
        spent += 1
        passed = 0.0
        while passed < fault.lasts and spent <= restart.attempts:
            delay = min(restart.max_delay, restart.initial_delay * restart.factor**spent)
            passed += max(0.2, delay * (1 - restart.jitter))
            spent += 1
    return spent


def memory(policies: Policies) -> float:
    """Seconds for which what has failed before still matters: the budget refills after so long."""
    return policies.restart.reset_after + policies.stall.startup + 2 * START
