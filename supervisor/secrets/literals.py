"""Finds a thousand known strings in a text, in each form in which a program may print them. Pure.

A pattern of a thousand alternatives costs milliseconds a line. Here a pattern of their first three characters says
where one may begin, and a look-up whether it does.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final
from urllib.parse import unquote, unquote_plus

SHORTEST: Final = 3  # shorter ones would tear every text apart
_SHORTEST_HEAD: Final = 4  # so much of a beginning, at the end of a text that was cut, is enough to tell
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}|\\.", re.DOTALL)
_HALF_ESCAPE: Final = re.compile(r"(?:%[0-9A-Fa-f]?|\\)\Z")

Span = tuple[int, int]


class Literals:
    """Strings to be found. Text and strings are taken as UTF-8, a character a byte, so that `%C3%BC` is found, too."""

    def __init__(self, strings: Iterable[str]) -> None:
        forms = {_as_bytes(form) for string in strings for form in _forms(string)}
        self._known = frozenset(form for form in forms if len(form) >= SHORTEST)
        self._sorted = sorted(self._known)
        self._longest = max(map(len, self._known), default=0)
        # The lengths of those that begin alike, by their beginning, the longest first.
        self._lengths = {
            begin: sorted({len(form) for form in group}, reverse=True)
            for begin, group in groupby(self._sorted, key=lambda form: form[:SHORTEST])
        }
        self._begin = _any_of(list(self._lengths)) if self._lengths else None

    def replace(self, text: str, replacement: str, *, cut: bool = False) -> str:
        """`text` without any of the strings. `cut` says that its end may be missing, in the middle of one."""
        if self._begin is None:
            return text
        plain = text if text.isascii() else _as_bytes(text)
        spans = list(self._found(plain))
        if cut or "%" in plain or "\\" in plain:
            bare, starts = _unescaped(plain)
            spans += [(starts[begin], starts[end]) for begin, end in self._found(bare)]
            if cut and (head := self._head(bare)) is not None:
                spans.append((starts[head], len(plain)))
        if not spans:
            return text
        pieces, end = [], 0
        for begin, stop in _merged(spans):
            pieces += [plain[end:begin], replacement]
            end = stop
        done = "".join([*pieces, plain[end:]])
        return done if text.isascii() else done.encode("latin-1").decode("utf-8", "replace")

    def _found(self, text: str) -> Iterator[Span]:
        """Where a string stands; those that stand in one another are all named."""
        for at in self._begins(text, 0):
            for length in self._lengths[text[at : at + SHORTEST]]:
                if at + length <= len(text) and text[at : at + length] in self._known:
                    yield at, at + length
                    break

    def _begins(self, text: str, at: int) -> Iterator[int]:
        """Where one may begin, from `at` on."""
        assert self._begin is not None
        while match := self._begin.search(text, at):
            yield match.start()
            at = match.start() + 1

    def _head(self, text: str) -> int | None:
        """Where the beginning of a string begins that the text's end cuts off."""
        if half := _HALF_ESCAPE.search(text, max(0, len(text) - 2)):
            text = text[: half.start()]
        for at in self._begins(text, max(0, len(text) - self._longest)):
            tail = text[at:]
            if len(tail) < _SHORTEST_HEAD:
                return None
            nearest = bisect_left(self._sorted, tail)
            if nearest < len(self._sorted) and self._sorted[nearest].startswith(tail):
                return at
        return None


def _forms(string: str) -> set[str]:
    """What a program may make of it before it escapes anything."""
    forms = {string, string.strip(), unquote(string), unquote_plus(string)}
    forms |= {form.replace(" ", "+") for form in forms}
    return forms | {_unescaped(form)[0] for form in forms}


def _as_bytes(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _unescaped(text: str) -> tuple[str, list[int]]:
    """`text` without escapes by `%` and backslash; where each of its characters stood, and where it ended."""
    pieces: list[str] = []
    starts: list[int] = []
    end = 0
    for match in _ESCAPE.finditer(text):
        pieces.append(text[end : match.start()])
        starts += range(end, match.start() + 1)
        escape = match.group()
        pieces.append(chr(int(escape[1:], 16)) if escape[0] == "%" else escape[1])
        end = match.end()
    starts += range(end, len(text) + 1)
    return "".join([*pieces, text[end:]]), starts


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """The same places, each only once."""
    begin = end = -1
    for start, stop in sorted(spans):
        if start > end:
            if end >= 0:
                yield begin, end
            begin, end = start, stop
        end = max(end, stop)
    yield begin, end


def _any_of(begins: Sequence[str]) -> re.Pattern[str]:
    """A pattern for any of these three-character beginnings, which are sorted: a tree, not a list."""
    trees = []
    for first, group in groupby(begins, key=lambda begin: begin[0]):
        branches = [
            f"{re.escape(second)}[{''.join(re.escape(begin[2]) for begin in ends)}]"
            for second, ends in groupby(group, key=lambda begin: begin[1])
        ]
        trees.append(f"{re.escape(first)}(?:{'|'.join(branches)})")
    return re.compile("|".join(trees), re.DOTALL)
