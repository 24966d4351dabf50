"""What is shown while a stream's source is gone: the slate, and the rules of the rungs. Pure.

A rung is a source like the stream's own, or a slate. A slate is made beforehand and cannot fail; so it is the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple
from unicodedata import category

from pydantic import BeforeValidator, Field

from supervisor.config.fields import PlainFile
from supervisor.config.yaml_nodes import Path_
from supervisor.model.policies import PositiveDuration, Section

_LONGEST_TEXT: Final = 300
_MOST_LINES: Final = 8
_MOST_RUNGS: Final = 8
_MOST_OFTEN: Final = 10.0  # each frame is encoded to some seconds of a slate
_SHOWN: Final = ("image", "text", "last_frame")


def _text(value: object) -> object:
    """Words to be shown; YAML takes a year or a time of day for a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return value  # reported by its type
    lines = [" ".join(line.split()) for line in value.strip().splitlines()]
    if not any(lines) or any(category(character) == "Cc" for line in lines for character in line):
        raise ValueError("expected text to be shown, without control characters")
    if len(value) > _LONGEST_TEXT or len(lines) > _MOST_LINES:
        raise ValueError(f"expected at most {_LONGEST_TEXT} characters in at most {_MOST_LINES} lines")
    return "\n".join(lines)


class Slate(Section):
    """A still picture with silence: an image, a text, or the last frame of what was shown before.

    With none of these it says that the stream is back soon. A frame is taken `every` so often, of a `last_frame`.
    """

    image: PlainFile | None = None
    text: Annotated[str | None, BeforeValidator(_text)] = None
    last_frame: bool = False
    every: Annotated[PositiveDuration, Field(ge=_MOST_OFTEN)] = 300.0
    audio: Literal["silence"] = "silence"
    clock: bool = False


def parse_slate(value: object) -> object:
    """`slate: true` is the built-in one."""
    if value is True or (isinstance(value, str) and value.lower() == "true"):  # the environment knows text alone
        return Slate()
    if value is not None and not isinstance(value, Mapping | Slate):
        raise ValueError("expected true, for the built-in slate, or one of image, text and last_frame")
    return value


class WrongRung(NamedTuple):
    """A rule that is broken at `path`; `show` says whether the value there tells more."""

    path: Path_
    expected: str
    show: bool = False


def broken_fallback(path: Path_, stream: Mapping[str, Any]) -> Iterator[WrongRung]:
    """Every rule that a stream's fallback breaks, on the raw tree; what has the wrong type is passed over."""
    if stream.get("command") is not None:
        for key in ("fallback", "fallback_policy"):
            if stream.get(key):
                reason = "cannot be had with command: the command makes its own picture and sound"
                yield WrongRung((*path, key), reason)
        return
    rungs = stream.get("fallback")
    if not isinstance(rungs, list):
        return
    if len(rungs) > _MOST_RUNGS:
        yield WrongRung((*path, "fallback"), f"expected at most {_MOST_RUNGS} of them, but there are {len(rungs)}")
    for index, rung in enumerate(rungs):
        if isinstance(rung, Mapping):
            yield from _rung((*path, "fallback", index), rung, last=index == len(rungs) - 1)


def _rung(path: Path_, rung: Mapping[str, Any], *, last: bool) -> Iterator[WrongRung]:
    has = [key for key in ("source", "slate") if rung.get(key) is not None]
    if len(has) > 1:
        yield WrongRung((*path, "slate"), "expected one of source and slate, not both")
    elif not has and not rung.keys() - {"source", "slate"}:
        yield WrongRung(path, "expected a source or a slate")
    if has == ["slate"] and not last:
        reason = "expected as the last one: a slate does not fail, so what stands behind it would never be shown"
        yield WrongRung((*path, "slate"), reason)
    yield from _slate((*path, "slate"), rung.get("slate"))


def _slate(path: Path_, slate: object) -> Iterator[WrongRung]:
    if not isinstance(slate, Mapping):
        return
    chosen = [key for key in _SHOWN if slate.get(key) not in {None, False}] if _plain(slate) else []
    if len(chosen) > 1:
        yield WrongRung((*path, chosen[1]), f"expected one of {', '.join(_SHOWN)}, not {' and '.join(chosen)}")


def _plain(slate: Mapping[str, Any]) -> bool:
    return all(isinstance(slate.get(key), str | int | float | bool | None) for key in _SHOWN)
