"""Which destination is meant by a word in a path or a question."""

from __future__ import annotations

from typing import Final

from fastapi import HTTPException

from supervisor.model.snapshot import DestinationSnapshot, Snapshot

_LONGEST_NUMBER: Final = 18  # digits: more than any database counts


def find_destination(snapshot: Snapshot, word: str, stream: str | None = None) -> DestinationSnapshot:
    """The destination that `word` names: its id, `stream:destination`, or within a `stream` its name alone.

    It has `stream` and `name`, `full_name` and `id`. HTTPException: 404 where there is none, 409 for a number that is
    one destination's name and another one's id.
    """
    known = [place for one in snapshot.streams if stream in {None, one.name} for place in one.destinations]
    named = [place for place in known if word == place.full_name or (stream is not None and word == place.name)]
    numbered = [place for place in known if place.id is not None and place.id == _number(word)]
    found = {place.full_name: place for place in (*named, *numbered)}
    if not found:
        raise no_such_destination()
    if len(found) > 1:
        raise HTTPException(
            409, f"{word} is the name of one destination and the id of another: say one of {', '.join(found)}"
        )
    return next(iter(found.values()))


def no_such_destination() -> HTTPException:
    """The 404 for a word that names no destination."""
    return HTTPException(404, "Destination not found")


def _number(word: str) -> int | None:
    """The number that a word is, as we write one."""
    is_number = word.isascii() and word.isdigit() and len(word) <= _LONGEST_NUMBER and not word.startswith("0")
    return int(word) if is_number else None
