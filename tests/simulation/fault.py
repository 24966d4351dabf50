"""One fault of a history: what the world does to the streams, to the machine, or to neverdark itself."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Kind = Literal[
    # a process
    "encoder_killed",
    "pusher_killed",
    "encoder_hangs",  # alive, reports frozen values
    "encoder_mute",  # alive, reports nothing
    "encoder_stopped",  # by a signal of somebody's
    "pusher_hangs",
    "encoder_error",  # exits with words of an error of its own
    # what an encoder reads
    "source_gone",
    "source_ended",
    "source_refused",
    "source_silent",
    # where a pusher sends
    "ingest_down",
    "ingest_refuses",
    "ingest_drops",
    "ingest_freezes",
    "ingest_slow",
    "ingest_ghost",
    # the way
    "line_down",
    "dns_down",
    # this machine
    "memory_kill",
    "disk_full",
    "no_processes",  # the kernel starts none
    "looks_fail",  # the kernel tells nothing of connections and processes
    "late_loop",
    "clock_step",  # by `detail` seconds
    # an operator
    "stop",
    "start",
    "restart",
    "reload_changed",
    "reload_bad",
    "reload_same",
    "drill_uplink",
    "drill_source",
    "drill_encoder",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Fault(NamedTuple):
    """What begins `at` seconds after the world did, and `lasts` so long where it has a duration.

    `stream` and `destination` are empty where the kind concerns none.
    """

    at: float
    kind: Kind
    stream: str = ""
    destination: str = ""
    lasts: float = 0.0
    detail: float = 0.0
