"""Writes docs/metrics.md from the code; a test compares, so the two cannot part."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import ProcessCollector

from exporter.metrics import FAMILIES, PREFIX, MetricKind

FILE = Path(__file__).parent.parent / "docs" / "metrics.md"

_HEAD = """\
# Metrics

Every family on `/metrics`, in the order in which it is there. This page is written by `scripts/write_metrics_doc.py`.

Counters never fall while neverdark runs, though FFmpeg's counts begin anew with each run and the kernel's with each
connection. Every label set of a closed set exists from the start, at 0. What is not known, or does not apply, has no
series: no `progress_*` for a command that reports none, no `uplink_*` for SRT or a file, no `watchdog_*` where nobody
watches, no `last_detection_seconds` before the first failure. `destination` is empty but for a pusher.

"""
_SWITCHES = """\
## What a switch costs

Made before break: the other encoder delivers before the one that feeds is left, and the duration (its start, a second
of proof, its next keyframe) is none that viewers wait for. Broken first: they wait for it. It ends with the first
keyframe of the other encoder.

What is missing is measured where media arrives: from the last datagram that a pusher has read of the one before, to
the first of the other, less the time that lies between two frames anyway. It can be a frame too many on a machine
that is late, and does not see a single frame that was cut in its middle. It is not known, and then not counted as
nothing but left out, where no pusher reads, where more waits for it than it has read, where a pusher alone has its
socket, where the kernel does not tell when a datagram came, and where frames are not counted. So divide by
`livestream_stream_switch_missing_seconds_count`, not by the number of switches.

An encoder that fails and is back before a fallback is due is no switch: `livestream_recovery_duration_seconds` has
that. `livestream_stream_source_seconds_total` also counts time in which the stream was dark; of the time on air,
`livestream_stream_on_fallback_seconds_total` is that with a fallback.
"""
_ITSELF = """\
## neverdark's own process

What it needs itself, under the names that Prometheus' client libraries give everywhere; the families above are of
what it started.
"""


def rendered() -> str:
    """The page's text."""
    lines = ["| Metric | Type | Labels | What |", "|---|---|---|---|"]
    sets: dict[str, str] = {}
    for family in FAMILIES:
        labels = [*family.labels, *(["le"] if family.kind is MetricKind.HISTOGRAM else [])]
        lines.append(f"| `{PREFIX}{family.name}` | {family.kind} | {', '.join(labels)} | {family.help} |")
        for label, members in family.each.items():
            if members:
                sets[f"`{label}` of `{PREFIX}{family.name}`"] = ", ".join(f"`{member}`" for member in members)
    closed = [f"* {name}: {members}" for name, members in sets.items()]
    own = [
        f"| `{family.name}{'_total' * (family.type == 'counter')}` | {family.type} | {family.documentation} |"
        for family in ProcessCollector(registry=None).collect()
    ]
    itself = [_ITSELF, "| Metric | Type | What |", "|---|---|---|", *own]
    return _HEAD + "\n".join([*lines, "", _SWITCHES, *itself, "", "## Closed sets", "", *closed, ""])


if __name__ == "__main__":
    FILE.write_text(rendered(), encoding="utf-8")
