"""The text of one family. It is kept, in whole and in pieces: most of a scrape is the same as in the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from exporter.encoding import deflate
from exporter.metrics import PREFIX, SUBJECT_LABELS, Family, MetricKind
from exporter.readers import READERS, Buckets, Closed, Entries, LabelKey, Reader
from supervisor.model.snapshot import Histogram

_MEMO_LIMIT: Final = 512


def labels_text(names: Iterable[str], values: Iterable[str]) -> str:
    """`stream="a",destination="b"`: what stands between the braces of a sample."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


class FamilyText:
    """Writes one family again and again, and writes anew only what changed."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.name = PREFIX + family.name
        self._reader = READERS[family.name]
        self._read: Reader = self._reader.read if isinstance(self._reader, Closed | Buckets) else self._reader
        self._templates: dict[tuple[LabelKey, ...], str] = {}
        self._memo: dict[Entries, list[str]] = {}
        self._said: list[Any] = []
        self._labels: Sequence[str] = ()
        self._text = b""
        self._packed: bytes | None = None

    def head(self, *, openmetrics: bool) -> bytes:
        """HELP and TYPE. OpenMetrics names a counter without its `_total`."""
        name = self.name.removesuffix("_total") if openmetrics and self.family.kind is MetricKind.COUNTER else self.name
        return f"# HELP {name} {self.family.help}\n# TYPE {name} {self.family.kind}\n".encode()

    def text(self, rows: Iterable[Any], labels: Sequence[str]) -> bytes:
        """The family's lines; `labels` belong to the rows in their order. Empty when no row has a value."""
        said = list(map(self._read, rows))
        if said != self._said or labels is not self._labels:
            self._said, self._labels = said, labels
            self._text = "".join(self._lines(said, labels)).encode()
            self._packed = None
        return self._text

    def packed(self) -> bytes:
        """The text of the last call, deflated by itself, so that it can be used again."""
        if self._packed is None:
            self._packed = deflate(self._text)
        return self._packed

    def _lines(self, said: list[Any], labels: Sequence[str]) -> list[str]:
        name, reader = self.name, self._reader
        known = ((label, value) for label, value in zip(labels, said, strict=True) if value is not None)
        if isinstance(reader, Closed):
            return [label.join(self._pieces(reader.entries(state))) for label, state in known]
        if isinstance(reader, Buckets):
            return [self._histograms(reader.bounds, state) for _, state in known]
        if not self.family.labels:
            return [f"{name} {value}\n" for _, value in known]
        return [f"{name}{{{label}}} {value}\n" for label, value in known]

    def _pieces(self, entries: Entries) -> list[str]:
        """The lines of a closed set, cut where the row's labels belong.

        Most processes have the same counts (none) most of the time, and joining is six times as fast as
        formatting: so the formatted pieces are kept by what they say.
        """
        pieces = self._memo.get(entries)
        if pieces is None:
            if len(self._memo) >= _MEMO_LIMIT:
                self._memo.clear()
            keys, values = entries
            pieces = self._memo[entries] = (self._template(keys) % values).split("\0")
        return pieces

    def _template(self, keys: tuple[LabelKey, ...]) -> str:
        template = self._templates.get(keys)
        if template is None:
            row = "\0," if SUBJECT_LABELS[self.family.subject] else "\0"
            if len(self._templates) >= _MEMO_LIMIT:
                self._templates.clear()
            template = "".join(f"{self.name}{{{row}{self._key_text(key)}}} %s\n" for key in keys)
            self._templates[keys] = template
        return template

    def _key_text(self, key: LabelKey) -> str:
        return labels_text(self.family.each, key if isinstance(key, tuple) else (key,))

    def _histograms(self, bounds: Sequence[float], histograms: Mapping[LabelKey, Histogram]) -> str:
        ends = [*map(repr, bounds), "+Inf"]
        lines = []
        for key, (counts, total) in histograms.items():
            own = self._key_text(key)
            cumulative = list(accumulate(counts))
            for end, count in zip(ends, cumulative, strict=True):
                lines.append(f'{self.name}_bucket{{{own}{own and ","}le="{end}"}} {count}\n')
            braces = own and f"{{{own}}}"
            lines.append(f"{self.name}_count{braces} {cumulative[-1]}\n{self.name}_sum{braces} {total}\n")
        return "".join(lines)
