"""Prints one table: what was measured, how often, and what came out. Exits with 1 if the cost grows out of step."""

from __future__ import annotations

import gzip
import os
import platform
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import requests
from rich.console import Console
from rich.table import Table

from bench.harness import Herd, Neverdark, build, floor, in_asyncio, neverdark, percentile
from supervisor import __version__
from supervisor.machine.ffmpeg_binary import find
from tests.integration.harness.ingest import Ingest

Row = tuple[str, str, str]
Result = tuple[list[Row], list[str]]  # and what is not as it must be
# Attempts without end and without delay: what is measured is the machinery, not the policy.
_AT_ONCE = {"restart": {"initial_delay": 0, "attempts": 1_000_000}}
_MS = 1000.0
_US_OF_PERCENT = 10_000.0  # a hundredth of a core is so many microseconds a second
_COUNTS = (100, 250, 500, 1000)
_FEW = 250
_MOST_GROWTH = 1.5
_KILLS = 400
_MOST_RESPAWN = 1.25  # times the bare asyncio loop, by the median
_INTERVAL = 30.0  # seconds between two looks of the second layer, by default
_GZIP = {"Accept-Encoding": "gzip"}


def respawn(program: Path) -> Result:
    """From kill -9 to the first instruction of the next process, in turn with the least that can be done about it."""
    rows: list[Row] = []
    faults: list[str] = []
    loop_in_c, loop_in_python = [str(build("floor", program.parent))], in_asyncio()
    kills = _KILLS
    for count in (1, 50, 1000):
        mine, least, bare = Herd(program), Herd(program), Herd(program)
        with (
            neverdark(mine.commands(count), defaults=_AT_ONCE) as running,
            floor(loop_in_c, least, count),
            floor(loop_in_python, bare, count),
        ):
            for herd in (mine, least, bare):
                herd.wait(count)
            running.wait_ready(60)
            ours, *floors = _in_turn(kills, mine, least, bare)
            rows.append((f"respawn, {count:,} streams", f"{kills} kills", _spread(ours)))
            for name, theirs in zip(("a loop in C", "a bare asyncio loop"), floors, strict=True):
                rows.append((f"the same by {name}, in turn", f"{kills} kills", _spread(theirs)))
                rows.append((f"ratio to {name}", "", _ratio(ours, theirs)))
            if (times := percentile(ours, 0.5) / percentile(floors[1], 0.5)) > _MOST_RESPAWN:
                faults.append(
                    f"respawn of one among {count:,} takes {times:.2f} times as long as by a bare asyncio loop"
                )
            stop = threading.Event()
            scraper = threading.Thread(target=_scrape_until, args=(running, stop))
            scraper.start()
            (busy,) = _in_turn(kills, mine)
            stop.set()
            scraper.join()
            rows.append((f"respawn, {count:,} streams, /metrics scraped in a loop", f"{kills} kills", _spread(busy)))
    return rows, faults


def _ratio(ours: list[float], theirs: list[float]) -> str:
    median, best = (percentile(ours, share) / percentile(theirs, share) for share in (0.5, 0.1))
    return f"median {median:.2f}, of the quickest tenth {best:.2f}"


def _in_turn(kills: int, *herds: Herd) -> list[list[float]]:
    """Milliseconds from each kill to the next process, for each herd; a slow moment of the machine hits all alike."""
    delays: list[list[float]] = [[] for _ in herds]
    for _ in range(kills):
        for herd, mine in zip(herds, delays, strict=True):
            time.sleep(random.uniform(0.01, 0.03))  # noqa: S311 - not in step with anything
            mine.append(herd.kill([random.choice(list(herd.pids))]) * _MS)  # noqa: S311 - a choice, not a secret
    return delays


def _scrape_until(running: Neverdark, stop: threading.Event) -> None:
    with requests.Session() as session:
        while not stop.is_set():
            session.get(f"{running.url}/metrics", timeout=10)


def _spread(values: list[float]) -> str:
    return f"median {percentile(values, 0.5):.2f} ms, p95 {percentile(values, 0.95):.2f} ms, max {max(values):.2f} ms"


def many_at_once(program: Path) -> Result:
    """50 of 200 killed in one go: when the last one is back."""
    herd, results = Herd(program), []
    with neverdark(herd.commands(200), defaults=_AT_ONCE) as running:
        herd.wait(200)
        running.wait_ready(60)
        for _ in range(10):
            time.sleep(0.5)
            results.append(herd.kill(random.sample(list(herd.pids), 50)) * _MS)
    return [("50 of 200 killed at once, all back", "10 times", _spread(results))], []


def load(program: Path) -> Result:
    """What commands cost that report progress once a second, by their number, and what a scrape of a thousand costs.

    The second layer is on, as it is by default: in the time measured it looks at every stream once.
    """
    rows: list[Row] = []
    costs: dict[int, float] = {}
    for count in (1, *_COUNTS):
        herd = Herd(program)
        with neverdark(herd.commands(count, progress=True)) as running:
            herd.wait(count)
            running.wait_ready(60)
            time.sleep(5)
            costs[count] = _cpu_share(running, _INTERVAL)
            each = f", {_each(costs, count):.1f} µs a second for each" if count > 1 else ""
            said = f"{costs[count]:.1f} % of a core{each}, {running.resident_mib():.0f} MiB"
            rows.append((f"at rest, progress every second, {count:,} streams", f"{_INTERVAL:.0f} s", said))
            if count == _COUNTS[-1]:
                rows += _scrapes(running)
    few, many = _each(costs, _FEW), _each(costs, _COUNTS[-1])
    faults = []
    if many > _MOST_GROWTH * few:
        faults.append(f"a stream among {_COUNTS[-1]:,} costs {many / few:.1f} times as much as one among {_FEW}")
    return rows, faults


def _each(costs: dict[int, float], count: int) -> float:
    """Microseconds of processor time a second for each stream, beyond what the first one costs with all the rest."""
    return (costs[count] - costs[1]) / (count - 1) * _US_OF_PERCENT


def _scrapes(running: Neverdark) -> list[Row]:
    took = []
    with requests.Session() as session:
        for _ in range(20):
            began = time.monotonic()
            answer = session.get(f"{running.url}/metrics", headers=_GZIP, timeout=30, stream=True)
            packed = answer.raw.read()
            took.append((time.monotonic() - began) * _MS)
    text = gzip.decompress(packed).decode()
    series = sum(1 for line in text.splitlines() if not line.startswith("#"))
    per = [value / series * 10_000 for value in took]
    return [
        (f"scrape, {series:,} series, gzip, as a client sees it", "20", _spread(took)),
        ("the same for each 10,000 series", "20", _spread(per)),
        ("resident memory after 20 scrapes", "1", f"{running.resident_mib():.0f} MiB"),
    ]


def _cpu_share(running: Neverdark, seconds: float) -> float:
    before, began = running.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return (running.cpu_seconds() - before) / (time.monotonic() - began) * 100


def test_cards(program: Path) -> Result:
    """Ten real streams to a real ingest: the price of watching them, the uplinks' kernel evidence included."""
    ingest = Ingest(program.with_name("ingest"))
    ingest.start()
    streams = {
        f"card{number}": {
            "source": {"url": "testsrc2=size=320x180:rate=10", "format": "lavfi", "realtime": True},
            "video": {"codec": "libx264", "bitrate": "200k", "preset": "ultrafast"},
            "destinations": {"ingest": {"url": ingest.url, "key": f"card{number}"}},
        }
        for number in range(10)
    }
    try:
        with neverdark(streams) as running:
            running.wait_ready(60)
            time.sleep(5)
            cpu = _cpu_share(running, 30.0)
    finally:
        ingest.close()
    return [("CPU, 10 test cards with uplink sampling", "30 s", f"{cpu:.1f} % of a core")], []


_ALL: dict[str, Callable[[Path], Result]] = {
    "respawn": respawn,
    "many": many_at_once,
    "load": load,
    "cards": test_cards,
}


def main(names: list[str]) -> int:
    """Measure what `names` say, or everything. Returns 1 when something is not as it must be."""
    if unknown := [name for name in names if name not in _ALL]:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(_ALL)}", file=sys.stderr)
        return 2
    table = Table(title=machine(), title_justify="left")
    for heading in ("what", "how often", "result"):
        table.add_column(heading)
    with tempfile.TemporaryDirectory(prefix="neverdark-bench-") as folder:
        program = build("child", Path(folder))
        faults = []
        for name in names or _ALL:
            rows, found = _ALL[name](program)
            faults += found
            for row in rows:
                table.add_row(*row)
    Console(width=140).print(table)
    for fault in faults:
        print(f"not as it must be: {fault}", file=sys.stderr)
    return 1 if faults else 0


def machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    ffmpeg = ".".join(map(str, find("auto").version))
    return (
        f"neverdark {__version__}, Python {platform.python_version()}, FFmpeg {ffmpeg}, Linux {platform.release()}, "
        f"{os.cpu_count()} × {model}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
