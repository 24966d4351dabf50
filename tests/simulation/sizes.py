"""How many elements the engine keeps, place by place: what a month of running must not let grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

_OURS = "supervisor."
# What may grow for a while, up to so many, and why. Per stream where it says so.
BOUNDED: Mapping[str, tuple[int, bool, str]] = {
    "OpenIncident.findings": (30, True, "findings.MOST, of an incident that is open"),
    "OpenIncident.actions": (50, True, "an incident that is open keeps so many"),
    "Sums.last_detection": (2, True, "one for each layer"),
    "Sums.last_recovery": (2, True, "one for each layer"),
    "AllOpen._of": (1, True, "one for each stream that ever had an incident"),
    "SecondLayer._acted": (3, True, "one for each process that was ever recovered"),
    "UplinkWatch._tried": (2, True, "destinations that wait for an ingest"),
    "RefusalWatch._answered": (1, True, "sources that refuse"),
    "ReachWatch._known": (4, True, "places that are looked at while nothing advances there"),
    "Excuses._of": (12, True, "one of each kind, for each stream and destination"),
    "Orders._operator": (1, True, "the latest order for each stream"),
    "RunNames._given": (100, False, "as many names of runs are remembered"),
    "Environments._of_commands": (
        8,
        True,
        "variables of a command; a run that goes on keeps those it was started with",
    ),
    "Rhythm._gaps": (60, True, "pauses that a source in pieces is known for"),
}
_SLACK = 2  # elements that come and go: a look, a turn that is put off


class Sizes:
    """Walks everything that the engine holds and that is ours, but the configuration, which never changes."""

    def of(self, engine: Any) -> dict[str, int]:
        """The number of elements in all containers, summed up by class and attribute; see `_grows`."""
        sizes: dict[str, int] = {}
        seen: set[int] = set()
        todo: list[tuple[str, Any]] = [("Engine", engine)]
        while todo:
            place, one = todo.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            if _grows(one):
                sizes[place] = sizes.get(place, 0) + len(one)
            todo += _within(place, one)
        return sizes

    def allowed(self, place: str, then: int, streams: int) -> int:
        """How many there may be where there were `then`."""
        most, each, _ = BOUNDED.get(place, (0, False, ""))
        return max(then + _SLACK, most * (streams if each else 1))


def _grows(one: Any) -> bool:
    """A container without a bound of its own."""
    return isinstance(one, dict | list | set) or (isinstance(one, deque) and one.maxlen is None)


def _within(place: str, one: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(one, dict):
        yield from ((place, item) for item in (*one.keys(), *one.values()))
    elif isinstance(one, list | set | tuple | frozenset | deque):
        if getattr(one, "maxlen", None) is None:
            yield from ((place, item) for item in one)
    elif type(one).__module__.startswith(_OURS) and not isinstance(one, type | BaseModel):
        for name in _attributes(one):
            if (value := getattr(one, name, None)) is not None:
                yield f"{type(one).__name__}.{name}", value


def _attributes(one: Any) -> Iterator[str]:
    yield from getattr(one, "__dict__", ())
    for kind in type(one).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        yield from (name for name in ((slots,) if isinstance(slots, str) else slots) if not name.startswith("__"))
