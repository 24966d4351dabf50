"""Prints one table: what was measured, how often, and what came out."""

from __future__ import annotations

import gzip
import os
import platform
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import requests
from rich.console import Console
from rich.table import Table

from bench.harness import Neverdark, Starts, build_child, neverdark, percentile
from supervisor import __version__
from supervisor.ffmpeg.binary import find
from tests.integration.harness.ingest import Ingest

Row = tuple[str, str, str]
# Attempts without end and without delay: what is measured is the machinery, not the policy.
_AT_ONCE = {"restart": {"initial_delay": 0, "attempts": 1_000_000}}
_MS = 1000.0
_GZIP = {"Accept-Encoding": "gzip"}


def _commands(program: Path, starts: Starts, count: int, *, progress: bool) -> dict[str, object]:
    extra = ["{progress}"] if progress else []
    return {
        f"s{number:04}": {"command": [str(program), str(starts.port), str(number), *extra]} for number in range(count)
    }


def respawn(program: Path) -> list[Row]:
    """From kill -9 to the first instruction of the next process."""
    rows: list[Row] = []
    for count, kills in ((1, 100), (50, 200), (1000, 200)):
        starts = Starts()
        with neverdark(_commands(program, starts, count, progress=False), defaults=_AT_ONCE) as running:
            pids = {name: pid for name, (pid, _) in starts.collect(count, 60).items()}
            running.wait_ready(60)
            quiet = _kill_one_by_one(pids, starts, kills)
            rows.append((f"respawn, {count} streams", f"{kills} kills", _spread(quiet)))
            stop = threading.Event()
            scraper = threading.Thread(target=_scrape_until, args=(running, stop))
            scraper.start()
            busy = _kill_one_by_one(pids, starts, kills)
            stop.set()
            scraper.join()
            rows.append((f"respawn, {count} streams, /metrics scraped in a loop", f"{kills} kills", _spread(busy)))
    return rows


def _kill_one_by_one(pids: dict[int, int], starts: Starts, kills: int) -> list[float]:
    delays = []
    for _ in range(kills):
        name = random.choice(list(pids))  # noqa: S311 - a choice, not a secret
        time.sleep(random.uniform(0.01, 0.03))  # noqa: S311 - not in step with anything
        killed = time.monotonic()
        os.kill(pids[name], signal.SIGKILL)
        (pid, moment) = starts.collect(1, 10)[name]
        pids[name] = pid
        delays.append((moment - killed) * _MS)
    return delays


def _scrape_until(running: Neverdark, stop: threading.Event) -> None:
    with requests.Session() as session:
        while not stop.is_set():
            session.get(f"{running.url}/metrics", timeout=10)


def _spread(values: list[float]) -> str:
    return f"median {percentile(values, 0.5):.2f} ms, p95 {percentile(values, 0.95):.2f} ms, max {max(values):.2f} ms"


def many_at_once(program: Path) -> list[Row]:
    """50 of 200 killed in one go: when the last one is back."""
    starts, results = Starts(), []
    with neverdark(_commands(program, starts, 200, progress=False), defaults=_AT_ONCE) as running:
        pids = {name: pid for name, (pid, _) in starts.collect(200, 60).items()}
        running.wait_ready(60)
        for _ in range(10):
            time.sleep(0.5)
            names = random.sample(list(pids), 50)
            killed = time.monotonic()
            for name in names:
                os.kill(pids[name], signal.SIGKILL)
            back = starts.collect(50, 10)
            pids |= {name: pid for name, (pid, _) in back.items()}
            results.append((max(moment for _, moment in back.values()) - killed) * _MS)
    return [("50 of 200 killed at once, all back", "10 times", _spread(results))]


def thousand_streams(program: Path) -> list[Row]:
    """What a thousand commands cost that report progress once a second, and what a scrape costs."""
    starts = Starts()
    with neverdark(_commands(program, starts, 1000, progress=True)) as running:
        starts.collect(1000, 60)
        running.wait_ready(60)
        time.sleep(5)
        cpu = _cpu_share(running, 20.0)
        rows = [("CPU, 1,000 streams with progress every second", "20 s", f"{cpu:.1f} % of a core")]
        rows.append(("resident memory, the same, before any scrape", "1", f"{running.resident_mib():.0f} MiB"))
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
        rows.append((f"scrape, {series:,} series, gzip, as a client sees it", "20", _spread(took)))
        rows.append(("the same for each 10,000 series", "20", _spread(per)))
        rows.append(("resident memory, the same, after 20 scrapes", "1", f"{running.resident_mib():.0f} MiB"))
        return rows


def _cpu_share(running: Neverdark, seconds: float) -> float:
    before, began = running.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return (running.cpu_seconds() - before) / (time.monotonic() - began) * 100


def test_cards(program: Path) -> list[Row]:
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
    return [("CPU, 10 test cards with uplink sampling", "30 s", f"{cpu:.1f} % of a core")]


_ALL: dict[str, Callable[[Path], list[Row]]] = {
    "respawn": respawn,
    "many": many_at_once,
    "thousand": thousand_streams,
    "cards": test_cards,
}


def main(names: list[str]) -> int:
    """Measure what `names` say, or everything."""
    table = Table(title=machine(), title_justify="left")
    for heading in ("what", "how often", "result"):
        table.add_column(heading)
    with tempfile.TemporaryDirectory(prefix="neverdark-bench-") as folder:
        program = build_child(Path(folder))
        for name in names or _ALL:
            for row in _ALL[name](program):
                table.add_row(*row)
    Console(width=140).print(table)
    return 0


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
