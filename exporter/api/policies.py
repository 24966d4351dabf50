"""How the policies in force for a process are shown: seconds, counts and ratios as plain numbers. Pure."""

from __future__ import annotations

import weakref
from typing import Any, Final

from supervisor.model.policies import Policies

_SHOWN: Final = {"restart", "stall", "uplink", "watchdog"}
# What policies look like, by their identity: 1,000 streams share few, and each page asks every two seconds.
_shown: dict[int, tuple[weakref.ref[Policies], dict[str, Any]]] = {}


def show_seconds(seconds: float) -> float:
    """`30` rather than `30.0` when it is whole."""
    return int(seconds) if seconds.is_integer() else seconds


def show_policies(policies: Policies) -> dict[str, Any]:
    """The sections that are shown; the same dictionary for the same policies."""
    key = id(policies)
    known = _shown.get(key)
    if known is None:
        shown = {
            section: {name: show_seconds(value) if isinstance(value, float) else value for name, value in keys.items()}
            for section, keys in policies.model_dump(include=_SHOWN).items()
        }
        # Goes with the policies, before another object can have their id.
        gone = weakref.ref(policies, lambda _: _shown.pop(key, None))
        known = _shown[key] = gone, shown
    return known[1]
