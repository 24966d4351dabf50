"""The parameters of a call, and lists that are cut into pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from tests.youtube.errors import ApiError
from tests.youtube.model import Json

_MOST_IDS = 50


class Query:
    """What stands behind the question mark."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)

    def all(self, name: str) -> list[str]:
        """Of a list: repeated, or with commas."""
        given = (value for key, value in self.pairs if key == name)
        return [piece.strip() for value in given for piece in value.split(",") if piece.strip()]

    def one(self, name: str) -> str | None:
        """The last one, None if it is not there or empty."""
        given = [value for key, value in self.pairs if key == name and value]
        return given[-1] if given else None

    def need(self, name: str) -> str:
        """Raises ApiError."""
        value = self.one(name)
        if value is None:
            raise ApiError("required", f"Required parameter: {name}", location=name)
        return value

    def parts(self, known: Iterable[str]) -> set[str]:
        """Raises ApiError: none, or one that there is not."""
        self.need("part")
        parts = set(self.all("part"))
        for part in sorted(parts - set(known)):
            raise ApiError("unknownPart", f"'{part}'", location="part")
        return parts

    def choice(self, name: str, words: Iterable[str], default: str) -> str:
        """One of these words. Raises ApiError."""
        value = self.one(name) or default
        if value not in set(words):
            raise ApiError("invalidParameter", f"Invalid value at '{name}' (TYPE_ENUM), \"{value}\"", location=name)
        return value

    def filter(self, *names: str) -> str:
        """The one filter of a list that is used. Raises ApiError: none, or several."""
        used = [name for name in names if self.one(name) is not None and (name != "mine" or self._mine())]
        if not used:
            raise ApiError("missingRequiredParameter", f"No filter selected. Expected one of: {', '.join(names)}")
        if len(used) > 1:
            raise ApiError("incompatibleParameters", f"Incompatible parameters: {', '.join(used)}")
        return used[0]

    def ids(self) -> list[str]:
        """Raises ApiError: more than the API takes at once."""
        ids = self.all("id")
        if len(ids) > _MOST_IDS:
            raise ApiError("invalidFilters", f"more than {_MOST_IDS} ids", location="id")
        return ids

    def _mine(self) -> bool:
        return self.one("mine") == "true"


class _Thing(Protocol):
    @property
    def id(self) -> str: ...


def page(things: Sequence[_Thing], query: Query, least: int = 0) -> tuple[Sequence[Any], Json]:
    """Those of the page that is asked for, and what the answer says about pages. Raises ApiError."""
    size = _size(query, least)
    first = _first(things, query)
    shown = things[first : first + size]
    about: Json = {"pageInfo": {"totalResults": len(things), "resultsPerPage": size}}
    if shown and first + size < len(things):
        about["nextPageToken"] = _token("from", things[first + size].id)
    if first:
        about["prevPageToken"] = _token("from", things[max(0, first - size)].id)
    return shown, about


def _size(query: Query, least: int) -> int:
    text = query.one("maxResults") or "5"
    if not text.isdecimal() or not least <= int(text) <= 50:
        raise ApiError(
            "invalidParameter",
            f"Invalid value '{text}'. Values must be within the range: [{least}, 50]",
            location="maxResults",
        )
    return int(text)


def _first(things: Sequence[_Thing], query: Query) -> int:
    """A token names the thing that a page begins with: one that is made meanwhile moves nothing out of sight."""
    token = query.one("pageToken")
    if token is None:
        return 0
    try:
        word, _, identity = base64.urlsafe_b64decode(token.encode()).decode().partition(" ")
    except (binascii.Error, UnicodeError) as error:
        raise ApiError("invalidPageToken", location="pageToken") from error
    found = [number for number, thing in enumerate(things) if thing.id == identity]
    if word != "from" or not found:
        raise ApiError("invalidPageToken", location="pageToken")
    return found[0]


def _token(word: str, identity: str) -> str:
    return base64.urlsafe_b64encode(f"{word} {identity}".encode()).decode()
