"""Which streams are meant: by name, by their group, by their labels. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")  # of a stream, of a group
LABEL: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
MOST_LABELS: Final = 16
RESERVED: Final = frozenset({"group", "label", "stream"})  # as names of labels: an order says more with these words
_EXPECTED: Final = "expected the name of a stream, group=NAME, LABEL=VALUE or label=LABEL:VALUE"


class Selection(NamedTuple):
    """All that is named must fit."""

    stream: str | None = None
    group: str | None = None
    labels: Mapping[str, str] = {}

    def fits(self, stream: str, group: str | None, labels: Mapping[str, str]) -> bool:
        """Whether this stream is meant."""
        return (
            self.stream in {None, stream}
            and self.group in {None, group}
            and all(labels.get(name) == value for name, value in self.labels.items())
        )

    def __str__(self) -> str:
        labels = (f"{name}={value}" for name, value in self.labels.items())
        return ",".join([*([f"group={self.group}"] if self.group else ()), *labels]) or str(self.stream)


def parse_selection(word: str) -> Selection:
    """`harbour-cam`, `group=lobby`, `site=berlin`, `label=site:berlin`, or several of these with commas between them.

    What is no name and has no `=` is a name all the same: whoever knows the streams says that there is none. Raises
    ValueError that says what was expected.
    """
    if "=" not in word:
        return Selection(stream=word)
    group: str | None = None
    labels: dict[str, str] = {}
    for part in word.split(","):
        key, equals, value = part.partition("=")
        if key == "group" and group is None and NAME.fullmatch(value):
            group = value
            continue
        if key == "label":
            key, equals, value = value.partition(":")
        if (
            not equals
            or key in RESERVED
            or key in labels
            or not (LABEL.fullmatch(key) and LABEL_VALUE.fullmatch(value))
        ):
            raise ValueError(_EXPECTED)
        labels[key] = value
    return Selection(None, group, labels)
