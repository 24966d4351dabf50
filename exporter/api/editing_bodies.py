"""Reads the body of an edit, and shows what comes of one. Pure.

The body is JSON as strict as the configuration's YAML: no key twice, and no number that is none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from supervisor.model.edits import Configured, Edited, Invalid, Wrong

# What older clients call the settings of a destination's watchdog, and what the file does.
WATCHDOG: Final = {
    "enable_watchdog": "enabled",
    "watchdog_check_interval": "interval",
    "watchdog_failures": "failures",
    "watchdog_cooldown": "cooldown",
}


_DEEPEST: Final = 20


class NotJson(Exception):  # noqa: N818 - it names the state
    """The text cannot be read; says what was expected, and nothing of what stands there."""


def read_body(content: bytes) -> Any:
    """What a body says. Raises `NotJson`."""
    try:
        body = json.loads(content, object_pairs_hook=_once_each, parse_constant=_no_number, parse_float=_number)
    except json.JSONDecodeError as error:
        raise NotJson(f"expected JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (UnicodeDecodeError, RecursionError, ValueError):
        raise NotJson("expected JSON in UTF-8, not nested too deeply, with usual numbers") from None
    _refuse_depth(body, _DEEPEST)
    return body


def named(body: Any, of: str) -> tuple[str, dict[str, Any]]:
    """The name in the body of something new, and the rest. Raises `Invalid`."""
    if not isinstance(body, Mapping):
        raise Invalid((Wrong("", None, "expected keys and values"),))
    name = body.get("name")
    if not isinstance(name, str):
        raise Invalid((Wrong("name", None, f"expected the name of the {of}: this key is required"),))
    return name, _without_name(body)


def unnamed(body: Any, name: str) -> Any:
    """The body of what has a name already, which may stand in it. Raises `Invalid`."""
    if not isinstance(body, Mapping) or "name" not in body:
        return body
    if body["name"] != name:
        raise Invalid((Wrong("name", None, f"expected {name}, or nothing: a name cannot be changed"),))
    return _without_name(body)


def watchdog_body(body: Any) -> Any:
    """The section `watchdog` that a flat body means; null is what is not said. Raises `Invalid`."""
    if not isinstance(body, Mapping):
        raise Invalid((Wrong("", None, "expected keys and values"),))
    expected = f"unknown key; expected one of {', '.join(WATCHDOG)}"
    if unknown := tuple(Wrong(_key(key), None, expected) for key in body if key not in WATCHDOG):
        raise Invalid(unknown)
    return {WATCHDOG[key]: value for key, value in body.items() if value is not None}


def flat(wrong: Sequence[Wrong]) -> tuple[Wrong, ...]:
    """Mistakes in a section `watchdog`, under the names that the flat body has for it."""
    flat_names = {f".watchdog.{name}": key for key, name in WATCHDOG.items()}
    found = []
    for one in wrong:
        key = next((key for end, key in flat_names.items() if one.path.endswith(end)), one.path)
        found.append(one._replace(path=key))
    return tuple(found)


def show_watchdog(configured: Configured, destination: str) -> dict[str, Any]:
    """What is in force for a destination's watchdog; seconds and counts."""
    in_force = configured.watchdog.get(destination, {})
    return {key: in_force.get(name) for key, name in WATCHDOG.items()}


def show_edited(edited: Edited, *, dry_run: bool) -> dict[str, Any]:
    """What came of an edit."""
    return {
        "stream": edited.stream,
        "origin": edited.origin,
        "dry_run": dry_run,
        "change": edited.change,
        "processes": [effect._asdict() for effect in edited.processes],
        "warnings": list(edited.warnings),
        "config": edited.config,
    }


def show_configured(configured: Configured) -> dict[str, Any]:
    """What is configured of a stream."""
    return {
        "stream": configured.stream,
        "origin": configured.origin,
        "config": configured.config,
        "problems": list(configured.problems),
    }


def destinations_of(configured: Configured) -> dict[str, Any]:
    """What is configured of its destinations, by name."""
    known = configured.config.get("destinations")
    return dict(known) if isinstance(known, Mapping) else {}


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise NotJson("expected each key once")
    return dict(pairs)


def _no_number(_text: str) -> NoReturn:
    raise NotJson("expected usual numbers: NaN and Infinity are none")


def _number(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _refuse_depth(value: Any, levels: int) -> None:
    if isinstance(value, dict | list):
        if not levels:
            raise NotJson(f"expected at most {_DEEPEST} levels of keys and lists")
        for item in value.values() if isinstance(value, dict) else value:
            _refuse_depth(item, levels - 1)


def _without_name(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "name"}


def _key(key: str) -> str:
    return key if key.isascii() and key.isidentifier() and len(key) <= 24 else "***"  # noqa: PLR2004 - a usual length
