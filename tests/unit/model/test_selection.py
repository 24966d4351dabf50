"""Which streams are meant by a word of an order."""

from __future__ import annotations

import pytest

from supervisor.model.selection import Selection, parse_selection

Stream = tuple[str, str | None, dict[str, str]]
LOBBY: Stream = ("a", "lobby", {"site": "berlin", "floor": "3"})
GARDEN: Stream = ("b", "garden", {"site": "berlin"})
ALONE: Stream = ("lobby", None, {})


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("a", [LOBBY]),
        ("lobby", [ALONE]),
        ("group=lobby", [LOBBY]),
        ("site=berlin", [LOBBY, GARDEN]),
        ("label=site:berlin", [LOBBY, GARDEN]),
        ("site=berlin,floor=3", [LOBBY]),
        ("floor=3,group=garden", []),
        ("group=garden,label=site:berlin", [GARDEN]),
        ("site=Berlin", []),
        ("sit=berlin", []),
        ("nobody", []),
        ("Not a name!", []),
    ],
)
def test_who_is_meant(word: str, meant: list[Stream]) -> None:
    assert [one for one in (LOBBY, GARDEN, ALONE) if parse_selection(word).fits(*one)] == meant


@pytest.mark.parametrize(
    "word",
    [
        *("=", "group=", "group=Lobby", "group=a b", "site=", "=berlin", "Site=berlin", "site=berlin,", "site=-"),
        *("label=site", "label=site=berlin", "label=:x", "label=site:", "label=group:x", "stream=a"),
        *("group=a,group=b", "site=a,site=b", "site=a,label=site:b", "a,site=berlin", "site=a:b", "site=x\n"),
    ],
)
def test_what_cannot_be_meant(word: str) -> None:
    with pytest.raises(ValueError, match=r"expected the name of a stream, group=NAME, LABEL=VALUE or label="):
        parse_selection(word)


@pytest.mark.parametrize("word", ["a", "group=lobby", "site=berlin,floor=3", "group=lobby,site=berlin"])
def test_it_is_told_as_it_was_typed(word: str) -> None:
    assert str(parse_selection(word)) == word
    assert parse_selection(str(parse_selection(word))) == parse_selection(word)


def test_nothing_said_fits_all() -> None:
    assert Selection().fits(*LOBBY)
