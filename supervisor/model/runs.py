"""What a run carries with it, so that another neverdark can take it over: its record, and how that is written. Pure.

The record stands in the environment of the process itself. So it is there from the process' first moment to its last,
on a full disk too, and can be of no other process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from supervisor.model.terms import ProcessKey, Role

_VERSION = 3
_WITHOUT_FALLBACKS = 2  # the version before: no rungs, and time stamps that begin at 0
_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode  # made once: a respawn waits for it
_DIGEST_BYTES = 16


class Before(NamedTuple):
    """What the place of a process had counted before a run: the run's own counts come on top.

    `progress` are frames, dropped and duplicated frames, bytes, media seconds. `restarts` and `exits` are by reason and
    cause; `reason` and `cause` name one more of each: the run's own restart, and the exit that it follows, where it is
    not among them yet. `uplinks` are connections, acknowledged bytes and retransmits, by destination of a command, or
    under "".
    """

    progress: tuple[int, int, int, int, float] = (0, 0, 0, 0, 0.0)
    cpu_seconds: float = 0.0
    restarts: Mapping[Any, int] = {}  # by words of ours, or what they read as
    exits: Mapping[Any, int] = {}
    uplinks: Mapping[str, tuple[int, int, int]] = {}
    reason: str = ""
    cause: str = ""


class RunRecord(NamedTuple):
    """A run of a process.

    `settings` tells whether it was started with the same settings as another; empty: it is a run of its own kind, which
    nobody else would start. `began` is monotonic, `started` wall clock. Ports are of the loopback, 0 for none:
    `progress` is where it reports, `media` where a pusher's media comes in, `tap` where an encoder tells parameters,
    `content` where it tells what picture and sound are like;
    `feeds` are the ports of an encoder's links and those that it sends from, by destination, the latter also for "".
    `clock` is the time stamp that an encoder began with, in seconds. `learned` is what the runs of an encoder had found
    out about its source (see `ffmpeg.opening.remembered`).
    """

    key: ProcessKey
    settings: str
    began: float
    started: float
    progress: int = 0
    media: int = 0
    tap: int = 0
    feeds: Mapping[str, tuple[int, int]] = {}
    before: Before = Before()
    learned: Any = None
    clock: int = 0
    content: int = 0


def digest(words: tuple[str, ...]) -> str:
    """Equal for equal words, and telling nothing else of them."""
    text = "\0".join(words).encode("utf-8", "surrogateescape")
    return blake2b(text, digest_size=_DIGEST_BYTES).hexdigest()


class RecordWriter:
    """Writes the records of one place, as its processes carry them.

    What stays the same from run to run is encoded once: a respawn waits for this.
    """

    def __init__(self) -> None:
        self._of: tuple[object, object, object] = (None, None, None)
        self._head = self._learned = ""
        self._counts_of: tuple[object, object] = (None, None)
        self._counts = ""

    def write(self, record: RunRecord) -> str:
        """The record as `read` reads it."""
        key, settings, began, started, progress, media, tap, feeds, before, learned, clock, content = record
        # The same objects, and not only equal ones: to compare takes longer than to encode now and then in vain.
        if settings is not self._of[0] or learned is not self._of[1] or key is not self._of[2]:
            self._head = _ENCODE((_VERSION, (key.stream, key.role, key.destination, key.rung), settings))[:-1]
            self._learned = _ENCODE(learned)
            self._of = settings, learned, key
        (frames, dropped, duplicated, size, seconds), cpu, restarts, exits, uplinks, reason, cause = before
        if restarts is not self._counts_of[0] or exits is not self._counts_of[1]:
            self._counts = f"{_counts(restarts)},{_counts(exits)}"
            self._counts_of = restarts, exits
        ports = f"{progress},{media},{tap},{clock}" + (f",{content}" if content else "")
        return (
            f"{self._head},[{began!r},{started!r}],[{ports}],{_ENCODE(feeds) if feeds else '{}'},"
            f"[[{frames},{dropped},{duplicated},{size},{seconds!r}],{cpu!r},{self._counts},"
            f'{_ENCODE(uplinks) if uplinks else "{}"},"{reason}","{cause}"],{self._learned}]'
        )


def _counts(counts: Mapping[Any, int]) -> str:
    """Our own words need no escapes."""
    return "{" + ",".join([f'"{name}":{count}' for name, count in counts.items() if count]) + "}"


def read(text: str) -> RunRecord | None:
    """The record that a process carries; None if it is none, or one of another version."""
    try:
        return _read(json.loads(text, parse_constant=_refuse))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN, and what is infinite


def _read(found: Any) -> RunRecord | None:
    version, *rest = found
    if version not in {_VERSION, _WITHOUT_FALLBACKS}:
        return None
    (stream, role, destination, *rung), settings, (began, started), ports, feeds, before, learned = rest
    progress, media, tap, *clock = ports
    clock, content = [*clock, 0, 0][:2]
    totals, cpu_seconds, restarts, exits, uplinks, reason, cause = before
    frames, dropped, duplicated, size, seconds = totals
    return RunRecord(
        ProcessKey(str(stream), Role(role), str(destination), int(*rung)),
        str(settings),
        float(began),
        float(started),
        _port(progress),
        _port(media),
        _port(tap),
        {str(name): (_port(link), _port(sender)) for name, (link, sender) in feeds.items()},
        Before(
            (int(frames), int(dropped), int(duplicated), int(size), float(seconds)),
            float(cpu_seconds),
            _with_one_more(restarts, reason),
            _with_one_more(exits, cause),
            {str(name): (int(many), int(acked), int(again)) for name, (many, acked, again) in uplinks.items()},
        ),
        learned,
        int(clock),
        _port(content),
    )


def _with_one_more(counts: Any, name: Any) -> dict[str, int]:
    known = {str(each): int(count) for each, count in counts.items()}
    return {**known, str(name): known.get(name, 0) + 1} if name else known


def _port(number: Any) -> int:
    if not isinstance(number, int) or not 0 <= number < 1 << 16:
        raise ValueError("not a port")
    return number
