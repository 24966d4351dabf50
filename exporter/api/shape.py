"""What an answer looks like, and how it is filled: each field is named once, with its type and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from inspect import get_annotations
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime

from exporter.api.example import Described

_Show = Callable[[Any], Any]


class Shape(Described):
    """An answer: exactly these keys. The API's documentation is made of it.

    `like` is a record of which it has all fields but those of `without`, in that order. What it names itself gives a
    field of the record another type, or comes before them all.
    """

    def __init_subclass__(cls, like: type | None = None, without: Sequence[str] = (), **kwargs: Any) -> None:
        """The record's fields become the answer's."""
        super().__init_subclass__(**kwargs)
        if like is not None:
            own = get_annotations(cls)
            record = {name: kind for name, kind in get_type_hints(like).items() if name not in without}
            more = {name: kind for name, kind in own.items() if name not in record}
            cls.__annotations__ = more | record | own


class From(NamedTuple):
    """The dotted path of the attribute that a field of another name comes from."""

    path: str


class Made(NamedTuple):
    """What makes a field that is no attribute, ready to be shown."""

    make: _Show


def show(shape: type[Shape], value: object) -> dict[str, Any]:
    """`value` as the plain dictionary that an answer is made of: with the fields of `shape`, and nothing is checked.

    Validating 1,000 streams every two seconds for every open page would cost more than the rest of neverdark.
    """
    shown = {}
    for name, get, convert in _ways(shape):
        part = get(value)
        shown[name] = part if convert is None or part is None else convert(part)
    return shown


def show_time(seconds: float | None) -> str | None:
    """`2026-01-01T00:00:00.250Z`: UTC, milliseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


@cache
def _ways(shape: type[Shape]) -> tuple[tuple[str, _Show, _Show | None], ...]:
    """Each field's name, what gets it, and what makes JSON of it (None: it is shown as it is)."""
    ways: list[tuple[str, _Show, _Show | None]] = []
    for name, field in shape.model_fields.items():
        source = next((item for item in field.metadata if isinstance(item, From | Made)), From(name))
        if isinstance(source, Made):
            ways.append((name, source.make, None))
        else:
            ways.append((name, attrgetter(source.path), _conversion(field.annotation)))
    return tuple(ways)


def _conversion(annotation: Any) -> _Show | None:
    """What makes JSON of a value that is not None."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        (annotation,) = (kind for kind in inner if kind is not NoneType)
        return _conversion(annotation)
    if origin in {list, tuple}:
        each = _conversion(inner[0])
        return list if each is None else lambda values: [each(value) for value in values]
    if annotation is AwareDatetime:
        return show_time
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return lambda value: show(annotation, value)
    return _PLAIN.get(origin)


_PLAIN: Final[Mapping[Any, _Show]] = {dict: dict, Mapping: dict}
