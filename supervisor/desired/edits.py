"""What an edit makes of the streams that were made by API. Pure; whether that can be used, `config.made` knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from supervisor.config.fields import NAME
from supervisor.model.edits import Bodies, Body, Edit, Invalid, NoSuchDestination, NoSuchStream, Wrong
from supervisor.model.snapshot import Refused

MOST: Final = 1000  # streams
LONGEST: Final = 128 * 1024
_KEYS_AND_VALUES = "expected keys and values"
_NAME = "expected a name of 1 to 63 characters: a-z, 0-9, _ and -, beginning with a letter or digit"


def edited(made: Bodies, edit: Edit) -> dict[str, Body]:
    """The streams after an edit. Raises `NoSuchStream`, `NoSuchDestination`, `Refused`, `Invalid`."""
    after = _edited(made, edit)
    if len(after) > max(MOST, len(made)):
        raise Refused(f"there are {len(made)} streams that were made by API, and no more may be")
    if edit.stream in after and len(json.dumps(after[edit.stream])) > LONGEST:
        raise Invalid((Wrong(f"streams.{edit.stream}", None, f"expected no more than {LONGEST} bytes of JSON"),))
    return after


def _edited(made: Bodies, edit: Edit) -> dict[str, Body]:
    after = dict(made)
    name = edit.stream
    if edit.destination is None and edit.verb == "make":
        if name in after:
            raise Refused(f"there is a stream {name!r}")
        after[name] = _mapping(edit.body, _named(name, ""))
        return after
    if name not in after:
        raise NoSuchStream
    if edit.destination is not None:
        after[name] = {**after[name], "destinations": _destinations(after[name], edit, edit.destination)}
    elif edit.verb == "remove":
        del after[name]
    else:
        after[name] = _new(after[name], edit, f"streams.{name}")
    return after


def patched(value: Any, patch: Any) -> Any:
    """RFC 7396: null removes a key, keys and values are merged, anything else takes the place of what was there."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(value) if isinstance(value, Mapping) else {}
    for key, part in patch.items():
        if part is None:
            merged.pop(key, None)
        else:
            merged[key] = patched(merged.get(key), part)
    return merged


def _destinations(stream: Body, edit: Edit, name: str) -> dict[str, Any]:
    known = dict(stream.get("destinations") or {})
    if edit.verb == "make":
        if name in known:
            raise Refused(f"the stream has a destination {name!r}")
        known[name] = _mapping(edit.body, _named(name, f"streams.{edit.stream}.destinations"))
        return known
    if name not in known:
        raise NoSuchDestination
    if edit.verb == "remove":
        del known[name]
        return known
    where = f"streams.{edit.stream}.destinations.{name}"
    if edit.section is None:
        known[name] = _new(known[name], edit, where)
    else:
        rest = {key: value for key, value in known[name].items() if key != edit.section}
        new = _new(known[name].get(edit.section) or {}, edit, f"{where}.{edit.section}")
        known[name] = rest | ({edit.section: new} if new else {})
    return known


def _new(before: Any, edit: Edit, where: str) -> dict[str, Any]:
    body = _mapping(edit.body, where)
    return patched(before, body) if edit.verb == "patch" else body


def _mapping(body: Any, where: str) -> dict[str, Any]:
    if not isinstance(body, Mapping):
        raise Invalid((Wrong(where, None, _KEYS_AND_VALUES),))
    return dict(body)


def _named(name: str, where: str) -> str:
    """The place of what is new. Its name is repeated only where it can be one."""
    if not NAME.fullmatch(name):
        raise Invalid((Wrong("name", None, _NAME),))
    return f"{where or 'streams'}.{name}"
