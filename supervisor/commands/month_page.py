"""A month as one page of HTML: all in it, no script, good to print. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from supervisor import __version__
from supervisor.commands import incident_view
from supervisor.commands.month import Report, StreamMonth
from supervisor.commands.month_view import behind, cells, head, told_beside
from supervisor.commands.stream_words import Json
from supervisor.commands.time_view import percent
from supervisor.commands.words import SEGMENTS, excuse_of, what_happened
from supervisor.model.quantities import show_duration

_MOST_INCIDENTS: Final = 200  # of a stream; a page that nobody turns over tells nothing
_TONES: Final = {"kept": "good", "missed": "bad", "not certain": "unsure"}
# The same for a segment on every page, whatever else broke.
_COLOURS: Final = {
    "source": "#b45309",
    "encoder": "#7c3aed",
    "pusher": "#be185d",
    "uplink": "#b91c1c",
    "network": "#1d4ed8",
    "platform": "#0f766e",
    "unknown": "#57534e",
}
_STYLE: Final = """
:root { --ink: #1c1917; --soft: #57534e; --line: #d6d3d1; --good: #15803d; --bad: #b91c1c; --unsure: #b45309; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.5rem; max-width: 62rem; color: var(--ink); background: #fff;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif;
  -webkit-print-color-adjust: exact; print-color-adjust: exact; }
h1 { margin: 0; font-size: 2rem; line-height: 1.2; letter-spacing: -.01em; }
h1 small { font-size: 1rem; font-weight: 400; letter-spacing: 0; color: var(--soft); }
h2 { margin: 2.25rem 0 .5rem; font-size: 1.2rem; display: flex; gap: .75rem; align-items: baseline; flex-wrap: wrap; }
p { margin: .25rem 0; }
.soft { color: var(--soft); }
.note { margin: 1rem 0 0; padding: .5rem .75rem; border-left: 4px solid var(--unsure); background: #fffbeb; }
.sums { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.5rem 0; }
.sums div { padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; }
.sums b { display: block; font-size: 1.45rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.sums span { color: var(--soft); font-size: .85rem; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-size: .78rem; font-weight: 600; color: var(--soft); vertical-align: bottom; }
th, td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
th.narrow { width: 1%; }
tr.sum td { font-weight: 600; border-bottom: 0; border-top: 2px solid var(--line); }
.tag { padding: .05rem .5rem; border-radius: 1rem; color: #fff; font-size: .78rem; font-weight: 600;
  white-space: nowrap; }
.tag.good { background: var(--good); } .tag.bad { background: var(--bad); } .tag.unsure { background: var(--unsure); }
.bar { display: flex; height: .7rem; margin: .6rem 0 .3rem; border-radius: .35rem; overflow: hidden; }
.key { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; font-size: .85rem; }
.key i, .swatch { display: inline-block; width: .7rem; height: .7rem; margin-right: .35rem; border-radius: .15rem; }
.unknown { background: repeating-linear-gradient(45deg, #a8a29e 0 3px, #e7e5e4 3px 6px); }
section { break-inside: auto; }
h2, .bar, .key, tr { break-inside: avoid; } h2 { break-after: avoid; }
.told { font-size: .85rem; color: var(--soft); }
ul { margin: .25rem 0; padding-left: 1.2rem; }
footer { margin-top: 2.5rem; padding-top: .75rem; border-top: 1px solid var(--line); font-size: .82rem;
  color: var(--soft); }
@page { margin: 15mm; }
@media print { body { padding: 0; max-width: none; font-size: 10.5pt; } thead { display: table-header-group; } }
"""


def page_of(report: Report) -> str:
    """The whole page."""
    title, *notes = head(report)
    name, _, when = title.partition(" (")
    said = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    content = "".join((_sums(report), _table(report), *(_stream(report, one) for one in report.streams)))
    also = "".join(f"<li>{escape(line)}" for line in told_beside(report))
    content += f'<section><h2>Told, about no incident</h2><ul class="told">{also}</ul></section>' if also else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)}: streams on air</title><style>{_STYLE}</style></head><body>\n"
        f"<header><h1>{escape(name)} <small>streams on air</small></h1>"
        f'<p class="soft">{escape(when.removesuffix(")"))}</p>{said}</header>\n'
        f"{content if report.streams else ''}{_foot(report)}</body></html>\n"
    )


def _sums(report: Report) -> str:
    total = report.total
    share, slate = total.time["availability"], total.time.get("on_fallback_seconds", 0.0)
    kept = [stream.verdict.word == "kept" for stream in report.streams if stream.verdict]
    boxes = [
        ("never wanted" if share is None else percent(share), "on air, of all wanted time"),
        (f"{sum(kept)} of {len(kept)}", "streams kept their objective"),
        (show_duration(total.lost) if total.lost else "none", "off air or unknown, all streams"),
        *([(show_duration(slate), "on air with a fallback, all streams")] if slate >= 1.0 else []),
        (str(len(total.incidents)), "incidents that count"),
        (show_duration(total.longest["seconds_dark"]) if total.longest else "none", "the longest darkness"),
    ]
    made = "".join(f"<div><b>{escape(what)}</b><span>{words}</span></div>" for what, words in boxes)
    return f'<div class="sums">{made}</div>'


def _table(report: Report) -> str:
    names = ("Stream", "On air", "Objective", "Off air", "Unknown", "Incidents", "Longest", "Mean time to recover")
    top = "".join(f"<th{_NUMBER if index else ''}>{name}" for index, name in enumerate(names))
    rows = [_row(stream) for stream in report.streams]
    if len(rows) > 1:
        rows.append(_row(report.total._replace(name="All"), "sum"))
    return f"<table><thead><tr>{top}</thead><tbody>{''.join(rows)}</tbody></table>\n"


_NUMBER: Final = ' class="number"'


def _row(stream: StreamMonth, kind: str = "") -> str:
    name, share, _, *others = cells(stream)
    objective = "" if stream.time["objective"] is None else percent(stream.time["objective"])
    columns = [share, f"{objective} {_tag(stream)}", *map(escape, others)]
    return f'<tr class="{kind}"><td>{escape(name)}' + "".join(f"<td{_NUMBER}>{column}" for column in columns)


def _tag(stream: StreamMonth) -> str:
    verdict = stream.verdict
    return f'<span class="tag {_TONES[verdict.word]}">{verdict.word}</span>' if verdict else ""


def _stream(report: Report, stream: StreamMonth) -> str:
    share = stream.time["availability"]
    shown = "never wanted" if share is None else percent(share)
    lines = "".join(f"<li>{escape(line)}" for line in behind(stream, broke=False))
    return (
        f'<section><h2>{escape(stream.name)} <span class="soft">{shown}</span>{_tag(stream)}</h2>'
        f"{_bar(stream)}<ul>{lines}</ul>{_incidents(report, stream)}</section>\n"
    )


def _bar(stream: StreamMonth) -> str:
    """What the lost time was lost to. Beside a month on air, some minutes would not be seen."""
    seconds = {segment: lasted for segment, lasted in stream.time["off_air_seconds"].items() if lasted}
    unknown = stream.time["unknown_seconds"]
    if not stream.lost:
        return ""
    pieces = [
        (f"background:{_COLOURS.get(segment, '#57534e')}", "", SEGMENTS.get(segment, segment), lasted)
        for segment, lasted in sorted(seconds.items(), key=lambda item: -item[1])
    ]
    if unknown:
        pieces.append(("", "unknown", "not known", unknown))
    bar = "".join(
        f'<span class="{kind}" style="flex-grow:{lasted:.3f};{style}"></span>' for style, kind, _, lasted in pieces
    )
    key = "".join(
        f'<span><i class="{kind}" style="{style}"></i>{escape(name)} {show_duration(lasted)}</span>'
        for style, kind, name, lasted in pieces
    )
    what = 'role="img" aria-label="what the lost time was lost to"'
    return f'<div class="bar" {what}>{bar}</div><div class="key">{key}</div>'


def _incidents(report: Report, stream: StreamMonth) -> str:
    if not stream.incidents:
        return ""
    shown = stream.incidents[:_MOST_INCIDENTS]
    rows = "".join(_incident(report, one) for one in shown)
    hidden = len(stream.incidents) - len(shown)
    more = f"<p>and {hidden} earlier ones: neverdark incidents --csv has all</p>" if hidden else ""
    return (
        f'<table><thead><tr><th class="narrow">Began<th>What broke, and who was told<th{_NUMBER}>Dark for'
        f"</thead><tbody>{rows}</tbody></table>{more}"
    )


def _incident(report: Report, one: Json) -> str:
    opened = report.month.local(one["opened"])
    told: Iterable[str] = incident_view.told_lines(one, report.month.zone)
    below = "".join(f'<div class="told">{escape(line)}</div>' for line in told)
    to = f"{one['destination']}: " if one["destination"] else ""
    ends = "" if one["closed"] else ' <span class="tag bad">goes on</span>'
    dark = show_duration(one["seconds_dark"]) if one["seconds_dark"] else "never dark"
    assert not excuse_of(one)
    return (
        f'<tr><td style="white-space:nowrap">{opened:%Y-%m-%d %H:%M:%S}'
        f"<td>{escape(to + what_happened(one))}{ends}{below}<td{_NUMBER}>{dark}"
    )


def _foot(report: Report) -> str:
    return (
        "<footer><p>On air: media reached every required destination. Wanted time is time on air, off air, and unknown "
        "time, in which neverdark could not look and nothing proves that media flowed; unknown time counts as off air. "
        "Maintenance, drills, and hours in which nobody wanted the stream are no part of it. Mean time to recover: "
        "from the last media to the next. Who was told: what Alertmanager has handed to its receivers.</p>"
        f"<p>Made {report.made:%Y-%m-%d %H:%M %Z} by neverdark {__version__}.</p></footer>"
    )
