"""What each kind of fault may lead to: the segment and the causes that its incident names, and whether one must open.

What overlaps excuses more, and the rule is plain: an incident is explained by every fault that touches its stream and
whose time covers some of the incident's. A fault's time begins with it and ends when what it broke had to be on air
again (`bounds.py`). An incident that one fault alone explains must be named as the row of that kind says; one that
several explain, as one of their rows says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from supervisor.model.platforms import OF_PLATFORMS
from supervisor.model.terms import Cause, ExitCause, Segment, Trouble
from tests.simulation.fault import DATABASE, KINDS, YOUTUBE, Fault, Kind


class Row(NamedTuple):
    """One kind. Without segments it is nothing that fails: no incident may come of it.

    `opens`: one must, if the fault lasts at least `lasts` seconds and its stream is on air when it begins.
    """

    segments: frozenset[Segment] = frozenset()
    causes: frozenset[Cause] = frozenset()
    opens: bool = False
    lasts: float = 0.0
    planned: bool = False  # somebody wants it so
    drill: bool = False


def _row(segments: Iterable[Segment], causes: Iterable[Cause], *, opens: bool = True, lasts: float = 0.0) -> Row:
    return Row(frozenset(segments), frozenset(causes), opens, lasts)


_S, _E, _T = Segment, ExitCause, Trouble
_STALLS = (_T.STALL, _T.START_TIMEOUT)
_SOURCE = (_E.SOURCE_UNREACHABLE, _E.SOURCE_ENDED, *_STALLS)
_INGEST = (_E.INGEST_UNREACHABLE, _E.INGEST_CLOSED, _T.UPLINK_BLOCKED, _T.START_TIMEOUT)

EXPECTED: Mapping[Kind, Row] = {
    "encoder_killed": _row([_S.ENCODER], [_E.KILLED]),
    "pusher_killed": _row([_S.PUSHER], [_E.KILLED]),
    # From outside, an encoder that stands still looks like one whose source does.
    "encoder_hangs": _row([_S.ENCODER, _S.SOURCE], [_T.STALL], lasts=20.0),
    "encoder_mute": _row([_S.ENCODER, _S.SOURCE], [_T.STALL], lasts=20.0),
    "encoder_stopped": _row([_S.ENCODER], [_T.STALL], lasts=20.0),
    "pusher_hangs": _row([_S.PUSHER, _S.UPLINK], [_T.STALL, _T.UPLINK_BLOCKED], lasts=20.0),
    "encoder_error": _row([_S.ENCODER], [_E.OTHER, _E.BAD_ARGUMENTS, _E.KILLED]),  # a crash is a signal
    "source_gone": _row([_S.SOURCE], _SOURCE, lasts=20.0),
    "source_ended": _row([_S.SOURCE], [_E.SOURCE_ENDED]),
    "source_refused": _row([_S.SOURCE], [_E.SOURCE_REFUSED, _E.SOURCE_UNREACHABLE, _E.SOURCE_ENDED], lasts=5.0),
    "source_silent": _row([_S.SOURCE], [*_STALLS, _E.SOURCE_ENDED, _E.SOURCE_UNREACHABLE], lasts=20.0),
    # Only where somebody looks at it; and what is not shown need not be told.
    "picture_black": _row([_S.SOURCE], [_T.BLACK], opens=False),
    "picture_frozen": _row([_S.SOURCE], [_T.FROZEN], opens=False),
    "rung_gone": _row([_S.SOURCE], _SOURCE, opens=False),
    "rung_ended": _row([_S.SOURCE], [_E.SOURCE_ENDED], opens=False),
    "rung_refused": _row([_S.SOURCE], [_E.SOURCE_REFUSED, _E.SOURCE_UNREACHABLE, _E.SOURCE_ENDED], opens=False),
    "rung_silent": _row([_S.SOURCE], [*_STALLS, _E.SOURCE_ENDED, _E.SOURCE_UNREACHABLE], opens=False),
    "rung_killed": _row([_S.ENCODER], [_E.KILLED], opens=False),
    "slate_gone": _row([_S.SOURCE], [_E.SOURCE_UNREACHABLE], opens=False),
    "link_distant": Row(),
    "no_keyframe": Row(),
    "ingest_down": _row([_S.PLATFORM], _INGEST, lasts=5.0),
    "ingest_refuses": _row([_S.PLATFORM], [_E.INGEST_REFUSED, _E.INGEST_CLOSED]),
    "ingest_drops": _row([_S.PLATFORM], [_E.INGEST_CLOSED]),
    "ingest_freezes": _row([_S.UPLINK, _S.PLATFORM], [_T.UPLINK_BLOCKED, _T.START_TIMEOUT], lasts=15.0),
    "ingest_slow": _row([_S.UPLINK], [_T.BACKLOG, _T.BITRATE_LOW, _T.UPLINK_BLOCKED, _T.SLOW], lasts=120.0),
    "ingest_ghost": _row([_S.PLATFORM], [_E.INGEST_CLOSED, _E.INGEST_REFUSED]),
    "line_down": _row([_S.NETWORK, _S.UPLINK], [_T.NETWORK_DOWN, *_INGEST], lasts=20.0),
    # What is connected does not care; who has to connect anew finds no address.
    "dns_down": _row([_S.NETWORK], [_T.NETWORK_DOWN, _E.INGEST_UNREACHABLE], opens=False),
    "memory_kill": _row([_S.ENCODER, _S.PUSHER], [_E.OUT_OF_MEMORY]),
    "disk_full": Row(),
    # What runs does not care; what ends meanwhile cannot be started anew.
    "no_processes": _row([_S.ENCODER, _S.PUSHER], [_E.OUT_OF_MEMORY], opens=False),
    "looks_fail": Row(),
    "late_loop": Row(),
    "clock_step": Row(),
    "stop": Row(planned=True),
    "start": Row(planned=True),
    "restart": Row(planned=True),
    "reload_changed": Row(planned=True),
    "reload_bad": Row(planned=True),
    "reload_same": Row(planned=True),
    "show": Row(planned=True),
    "hours": Row(planned=True),
    "switch": Row(planned=True),
    "stop_until": Row(planned=True),
    "start_until": Row(planned=True),
    "maintenance": Row(),
    "maintenance_planned": Row(),
    # Its processes run on; one that cannot be taken over is replaced.
    "neverdark_killed": Row(),
    "neverdark_killed_at_spawn": Row(),
    "neverdark_killed_in_call": Row(),
    "neverdark_left": Row(planned=True),
    "neverdark_upgraded": Row(planned=True),
    "neverdark_stopped": Row(planned=True),
    "database_locked": Row(),
    "database_full": Row(),
    "database_gone": Row(),
    "database_slow": Row(),
    "drill_uplink": _row([_S.UPLINK], [_T.UPLINK_BLOCKED])._replace(drill=True),
    "drill_source": _row([_S.SOURCE], _SOURCE)._replace(drill=True),
    "drill_encoder": _row([_S.ENCODER], [_E.KILLED])._replace(drill=True),
    # What must be told of a broadcast, `channel_checks.py` says.
    **{kind: _row([_S.PLATFORM], OF_PLATFORMS, opens=False) for kind in KINDS if kind in YOUTUBE},
}


_UNFELT = DATABASE | {"maintenance", "maintenance_planned"}
_LONG = 40.0  # seconds in which a look has told our own line from theirs


def row(fault: Fault) -> Row:
    """What is expected of this fault. That of a line which is down for long is known to be the line's."""
    known = EXPECTED[fault.kind]
    if fault.kind == "line_down" and fault.lasts >= _LONG:
        return known._replace(segments=frozenset({Segment.NETWORK}))
    return known


def fails(fault: Fault) -> bool:
    """Whether something breaks by it, so that an incident may come of it."""
    return bool(EXPECTED[fault.kind].segments)


def is_planned(fault: Fault) -> bool:
    """Whether somebody wants it so: no incident that counts may come of it."""
    return EXPECTED[fault.kind].planned or EXPECTED[fault.kind].drill


def segments(faults: Collection[Fault], *, is_command: bool = False) -> frozenset[Segment]:
    """The segments that an incident may name which these explain together; a command is one process for all."""
    named = frozenset[Segment]().union(*(row(fault).segments for fault in faults))
    mine = is_command and any(fault.kind.startswith("pusher_") or fault.kind == "ingest_slow" for fault in faults)
    named |= {Segment.PUSHER} if _unseen(faults) else set()
    return named | {Segment.ENCODER} if mine or (is_command and _unseen(faults)) else named


def causes(faults: Collection[Fault]) -> frozenset[Cause]:
    """Likewise its causes."""
    named = frozenset[Cause]().union(*(EXPECTED[fault.kind].causes for fault in faults))
    return named | {Trouble.STALL} if _unseen(faults) else named


def _unseen(faults: Collection[Fault]) -> bool:
    """While the kernel tells nothing of a connection, who cannot send is not told from who does not."""
    kinds = {fault.kind for fault in faults}
    return "looks_fail" in kinds and not kinds.isdisjoint({"ingest_freezes", "ingest_slow", "line_down"})


def touches(fault: Fault, stream: str) -> bool:
    """Whether a fault may concern a stream; one that names none concerns all. Some are felt by no stream."""
    return fault.stream in {"", stream} and fault.kind not in _UNFELT
