"""Kills neverdark at random moments, with two real streams on air and somebody who watches each of them.

`python -m bench.kills --kills 20 --seed 7 --database sqlite` (or `postgresql`). `--outage 60` takes the database away
for so many seconds at first, `--full-disk` fills its disk. Needs nginx-rtmp, FFmpeg and, where asked for, PostgreSQL; a
full disk needs the right to mount. Each kill is of one of these kinds:

- alone: nothing else happens; nobody who watches may see more than a second without a frame;
- spawn: an encoder is killed some milliseconds before, so that neverdark dies while it replaces it;
- both: neverdark and an encoder at once; the next neverdark has to start before it can start the encoder;
- seen: an encoder was replaced a moment before, and the incident goes on when neverdark dies.

Some kills are followed by one or more of the next neverdark while it starts. Afterwards: the same publishers, no
process twice, no counter that fell, each incident and each run once in the database, and an incident for each encoder
whose end a neverdark lived long enough to remember.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import sqlalchemy as sa

from supervisor.store import schema
from supervisor.store.database import Database
from supervisor.store.postgres import Postgres
from supervisor.store.sqlite import FILE, SqliteFile
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import QUIET
from tests.integration.harness.postgres import PostgresServer
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import Neverdark, carriers
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually
from tests.integration.test_adoption import COUNTED_ON
from tests.integration.test_disk import fill
from tests.store_scenes import rows

_STREAMS = ("one", "two")
_QUICK = {"initial_delay": 0, "attempts": 1000}
_KINDS = ("alone", "spawn", "both", "seen")
_MOST_GAP = 1.0  # seconds without a frame where nothing but neverdark was killed
_REMEMBERED = 2.0  # a neverdark that lives so much longer has written what it saw
_NOTICED = 1.0
_APART = "_BENCH_KILLS_APART"
_PATIENCE = 3 * ON_AIR


class Viewer:
    """Somebody who watches: when each frame came, by the clock on the wall."""

    def __init__(self, url: str, file: Path) -> None:
        self._file = file
        words = ("-use_wallclock_as_timestamps", "1", "-i", url, "-map", "0:v", "-c", "copy", "-copyts", str(file))
        self._process = subprocess.Popen([*QUIET, *words], stdin=subprocess.DEVNULL)
        eventually(lambda: file.exists() and file.stat().st_size > 0, _PATIENCE, "somebody watches")

    def times(self) -> list[float]:
        """When frames came, in order; ends the watching."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)
        words = "-loglevel error -select_streams v -show_entries packet=pts_time -of csv=p=0"
        asked = ["ffprobe", *words.split(), str(self._file)]
        said = subprocess.run(asked, capture_output=True, text=True, timeout=300, check=True).stdout
        return sorted(float(line.strip(",")) for line in said.split() if line.strip(","))

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()


class Trial:
    """One run of the whole; `faults` is what was not as it must be."""

    def __init__(self, args: argparse.Namespace, folder: Path, ingest: Ingest, server: PostgresServer | None) -> None:
        self.faults: list[str] = []
        self._args = args
        self._chance = random.Random(args.seed)  # noqa: S311 - no secret
        self._ingest = ingest
        self._server = server
        top = {"database_url": server.url} if server else {}
        streams = {name: cam(ingest.url, secret(name), restart=_QUICK) for name in _STREAMS}
        self.running = Neverdark(folder / "neverdark", streams, **top)
        if args.full_disk:
            self.running.data_dir.mkdir()
            mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(self.running.data_dir)]
            subprocess.run(mount, check=True)
        self._viewers: dict[str, Viewer] = {}
        self._folder = folder
        self._quiet: list[tuple[float, float]] = []  # spans in which an encoder was away, too
        self._seen: list[tuple[str, float]] = []  # encoders that were killed while somebody could remember it, and when
        self._killed = 0
        self._away: list[float] = []
        self._clients: dict[str, str] = {}

    # --- what is done ------------------------------------------------------------------------------

    def all(self) -> None:
        """Everything, in turn."""
        self.running.start().wait_on_air(seconds=_PATIENCE)
        eventually(lambda: len(self._publishers()) == len(_STREAMS), SLACK, "published")
        self._clients = self._publishers()
        for name in _STREAMS:
            self._viewers[name] = Viewer(f"{self._ingest.url}/{secret(name)}", self._folder / f"{name}.mkv")
        if self._args.outage or self._args.full_disk:
            self.without_database(self._args.outage or 10.0)
        for number in range(self._args.kills):
            self._one(number, self._chance.choice(_KINDS))
        for _ in range(2):
            self._leave()
        time.sleep(2)
        self._check_pictures()
        self.running.stop()
        self._check_history()

    def _one(self, number: int, kind: str) -> None:
        time.sleep(self._chance.random() * 2)
        before, counters = set(carriers(self.running.data_dir)), self.running.counters(*COUNTED_ON)
        began, name = time.time(), self._chance.choice(_STREAMS)
        if kind != "alone":
            self._kill_encoder(name, kind)
        self.running.crash()
        if kind == "both":
            time.sleep(self._chance.random() * 0.2)
        while self._chance.random() < 0.3:
            self.running.launch()
            time.sleep(self._chance.random())
            self.running.crash()
        self.running.start().wait_on_air(seconds=_PATIENCE)
        self._away.append(time.time() - began)
        if kind != "alone":
            self._quiet.append((began - 1, time.time() + 1))
        after = set(carriers(self.running.data_dir))
        what = f"kill {number + 1} ({kind})"
        self._check_processes(what, len(after), len(before - after), kind)
        untouched = {one for one in _STREAMS if kind == "alone" or one != name}
        self._check_counters(what, counters, untouched)

    def _kill_encoder(self, name: str, kind: str) -> None:
        pid = self.running.pid(name, "encoder")
        if kind == "both":
            assert self.running.process
            os.kill(self.running.process.pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        killed = time.time()
        self._killed += 1
        if kind == "spawn":
            time.sleep(self._chance.random() * 0.01)
        elif kind == "seen":
            eventually(lambda: self.running.replaced(pid, name, "encoder"), _PATIENCE, "replaced")
            time.sleep(_REMEMBERED)
            self._seen.append((name, killed))

    def _leave(self) -> None:
        """A planned end that lets everything run on, and a new start."""
        before = self.running.counters(*COUNTED_ON)
        pids = self.running.pids()
        if self.running.stop(signal.SIGUSR2) != 0:
            self.faults.append("it did not leave in order")
        self.running.start().wait_on_air(seconds=_PATIENCE)
        if self.running.pids() != pids:
            self.faults.append(f"after a leave {self.running.pids()} run, not {pids}")
        self._check_counters("leave", before, set(_STREAMS))

    def without_database(self, seconds: float) -> None:
        """Its database is away for a while, and incidents happen meanwhile."""
        with self._away_for_a_while():
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                began = time.time()
                name = self._chance.choice(_STREAMS)
                pid = self.running.pid(name, "encoder")
                os.kill(pid, signal.SIGKILL)
                eventually(lambda pid=pid, name=name: self.running.replaced(pid, name, "encoder"), _PATIENCE, "back")  # type: ignore[misc]
                self.running.wait_on_air(seconds=_PATIENCE)
                self._quiet.append((began - 1, time.time() + 1))
                self._killed += 1
                self._seen.append((name, began))
                time.sleep(min(5.0, seconds / 3))
            if self.running.metric("store_up") and not self._args.full_disk:
                self.faults.append("nobody has noticed that the database was away")
        eventually(lambda: self.running.metric("store_queue_length") == 0, 60 + SLACK, "all of it is written")
        if lost := self.running.metric("store_dropped_total"):
            self.faults.append(f"{lost:.0f} records were lost")
        if self._publishers() != self._clients:
            self.faults.append("a pusher was replaced while the database was away")

    @contextlib.contextmanager
    def _away_for_a_while(self) -> Iterator[None]:
        if self._args.full_disk:
            fill(self.running.data_dir)
            yield
            (self.running.data_dir / "ballast").unlink()
        elif self._server:
            self._server.stop()
            yield
            self._server.start()
        else:
            engine = sa.create_engine(f"sqlite:///{self._file()}", poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA busy_timeout=10000")
                connection.exec_driver_sql("BEGIN EXCLUSIVE")
                yield
                connection.exec_driver_sql("ROLLBACK")

    # --- what must be so ---------------------------------------------------------------------------

    def _check_processes(self, what: str, there: int, gone: int, kind: str) -> None:
        if there != 2 * len(_STREAMS) or gone > (kind != "alone"):
            self.faults.append(f"{what}: {there} processes, {gone} of those before are gone")
        if self._publishers() != self._clients or self._ingest.refused():
            self.faults.append(f"{what}: publishers {self._clients} are {self._publishers()}")

    def _check_counters(
        self, what: str, before: dict[tuple[str, frozenset[tuple[str, str]]], float], of: set[str]
    ) -> None:
        eventually(lambda: self.running.get("/metrics").ok, 3 + SLACK, "it knows what it has taken over")
        after = self.running.counters(*COUNTED_ON)
        for sample, old in before.items():
            if dict(sample[1])["stream"] in of and after.get(sample, 0.0) < old:
                self.faults.append(f"{what}: {sample[0]} {dict(sample[1])} fell from {old} to {after.get(sample)}")

    def _check_pictures(self) -> None:
        for name, viewer in self._viewers.items():
            gaps = [(b - a, a) for a, b in pairwise(viewer.times())]
            quiet = [gap for gap, at in gaps if not any(since <= at <= until for since, until in self._quiet)]
            print(
                f"{name}: {len(gaps) + 1} frames; longest gap {max(quiet):.2f} s while nothing but neverdark was"
                f" killed, {max(gaps)[0]:.2f} s at all"
            )
            if max(quiet) > _MOST_GAP:
                self.faults.append(f"{name}: {max(quiet):.2f} s without a frame")

    def _check_history(self) -> None:
        database = self._database()
        incidents, runs = rows(database, schema.INCIDENTS), rows(database, schema.RUNS)
        print(f"{len(incidents)} incidents of {self._killed} encoders that were killed; {len(runs)} runs")
        spans = sorted((row["stream"], row["opened"], row["closed"] or 0.0) for row in incidents)
        for (name, _, closed), (other, opened, _) in pairwise(spans):
            if name == other and opened < closed:
                self.faults.append(f"{name}: two incidents at {opened}")
        if open_still := [row["id"] for row in incidents if row["closed"] is None]:
            self.faults.append(f"open still: {open_still}")
        for name, at in self._seen:  # several within half a minute are one incident
            if not any(of == name and opened - _NOTICED <= at <= closed + _NOTICED for of, opened, closed in spans):
                self.faults.append(f"{name}: no incident of {at} among {spans}")
        if living := [row["run_id"] for row in runs if row["ended"] is None]:
            self.faults.append(f"runs that have not ended: {living}")

    def _publishers(self) -> dict[str, str]:
        return {key: one.client for key, one in self._ingest.publishers().items()}

    def _file(self) -> Path:
        return self.running.data_dir / FILE

    def _database(self) -> Database:
        return Postgres(self._server.url) if self._server else SqliteFile(self._file())

    def close(self) -> None:
        """End what is left."""
        for viewer in self._viewers.values():
            viewer.close()
        if self._args.full_disk:
            subprocess.run(["umount", "--lazy", str(self.running.data_dir)], check=True)

    def told(self) -> str:
        """In one line, what was done."""
        away = sorted(self._away) or [0.0]
        return (
            f"{len(self._away)} kills (seed {self._args.seed}, {self._args.database}): from the kill to on air "
            f"{away[len(away) // 2]:.1f} s (median), {away[-1]:.1f} s at most"
        )


def main() -> int:
    """Returns 0 when everything is as it must be, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 16))
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--outage", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--full-disk", action="store_true")
    args = parser.parse_args()
    if args.full_disk and _APART not in os.environ:  # what is mounted is gone with us, and nobody else sees it
        apart = ["unshare", "--mount", *(["--map-root-user"] if os.getuid() else [])]
        words = [*apart, sys.executable, "-m", "bench.kills", *sys.argv[1:]]
        os.execvpe(words[0], words, os.environ | {_APART: "1"})  # noqa: S606 - what runs is ourselves
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(PostgresServer()) if args.database == "postgresql" else None
        ingest = Ingest(folder / "ingest")
        ingest.start()
        stack.callback(ingest.close)
        trial = Trial(args, folder, ingest, server)
        stack.callback(trial.close)
        stack.enter_context(_ended(trial.running))
        trial.all()
        print(trial.told())
        for fault in trial.faults:
            print(f"not as it must be: {fault}", file=sys.stderr)
        return 1 if trial.faults else 0


@contextlib.contextmanager
def _ended(running: Neverdark) -> Iterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(AssertionError):  # what is wrong has been told
            running.end()


if __name__ == "__main__":
    sys.exit(main())
