"""A real neverdark with children that cost nothing, and a clock that both share."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import requests

from supervisor.machine.proc import children_of

HERE = Path(__file__).parent


def build(name: str, folder: Path) -> Path:
    """Compile one of the programs that stand beside this file; needs a C compiler."""
    program = folder / name
    subprocess.run(["cc", "-O2", "-Wall", "-o", str(program), str(HERE / f"{name}.c")], check=True)
    return program


def in_asyncio() -> list[str]:
    """The command of the loop in Python (`floor.py`)."""
    return [sys.executable, str(HERE / "floor.py")]


def free_port() -> int:
    """A TCP port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Starts:
    """Hears from every child when its first instruction ran."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0)
        self.port = int(self._socket.getsockname()[1])

    def collect(self, count: int, seconds: float) -> dict[int, tuple[int, float]]:
        """Wait for `count` starts: id → (pid, monotonic time of its first instruction)."""
        found: dict[int, tuple[int, float]] = {}
        deadline = time.monotonic() + seconds
        while len(found) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{len(found)} of {count} children started within {seconds} s")
            select.select([self._socket], [], [], left)
            with contextlib.suppress(BlockingIOError):
                while True:
                    words = self._socket.recv(2000).split()
                    if words[:1] == [b"started"]:  # a stranger may still report to who had this port before
                        name, pid, moment = map(int, words[1:])
                        found[name] = pid, moment / 1e9
        return found


class Herd:
    """Children that somebody keeps alive: where they are, and what it takes to bring them back."""

    def __init__(self, program: Path) -> None:
        self.program = program
        self.starts = Starts()
        self.pids: dict[int, int] = {}

    def commands(self, count: int, *, progress: bool = False) -> dict[str, Any]:
        """The streams of a configuration, one child each."""
        extra = ["{progress}"] if progress else []
        words = [str(self.program), str(self.starts.port)]
        return {f"s{number:04}": {"command": [*words, str(number), *extra]} for number in range(count)}

    def wait(self, count: int) -> None:
        """Until so many have started."""
        self.pids = {number: pid for number, (pid, _) in self.starts.collect(count, 60).items()}

    def kill(self, numbers: list[int]) -> float:
        """Kill some; seconds until the last of those that came instead ran its first instruction."""
        killed = time.monotonic()
        for number in numbers:
            os.kill(self.pids[number], signal.SIGKILL)
        back = self.starts.collect(len(numbers), 10)
        self.pids |= {number: pid for number, (pid, _) in back.items()}
        return max(moment for _, moment in back.values()) - killed


@contextlib.contextmanager
def floor(program: Sequence[str], herd: Herd, count: int) -> Iterator[None]:
    """A loop that does nothing but keep a herd alive (`floor.c` or `floor.py`), until the block ends."""
    with tempfile.TemporaryDirectory(prefix="neverdark-bench-") as folder:
        words = [*program, folder, str(herd.starts.port), "0", str(count), str(herd.program)]
        process = subprocess.Popen(words, stdin=subprocess.PIPE)
        try:
            yield
        finally:
            process.communicate(timeout=30)


class Neverdark:
    """`neverdark run` on a configuration, until the block ends."""

    def __init__(self, folder: Path, streams: dict[str, Any], **settings: Any) -> None:
        self.port = free_port()
        config = {
            "listen": f"127.0.0.1:{self.port}",
            "data_dir": str(folder / "data"),
            "streams": streams,
            **settings,
        }
        self.file = folder / "neverdark.yml"
        self.file.write_text(json.dumps(config), encoding="utf-8")
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (folder / "neverdark.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "supervisor", "run", "-c", str(self.file)],
            stdout=self.log,
            stderr=self.log,
        )

    def wait_ready(self, seconds: float) -> None:
        """Until every stream is on air."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/readyz", timeout=10).ok:
                    return
            time.sleep(0.2)
        raise TimeoutError(f"not on air within {seconds} s; see {self.log.name}")

    def cpu_seconds(self) -> float:
        """User and system time of neverdark itself so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mib(self) -> float:
        """Resident memory of neverdark itself."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def end(self) -> None:
        """Stop in order; who takes too long for it leaves nothing behind either, to disturb what is measured next."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            left = children_of(self.process.pid)
            self.process.kill()
            self.process.wait()
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.log.close()


@contextlib.contextmanager
def neverdark(streams: dict[str, Any], **settings: Any) -> Iterator[Neverdark]:
    """A running neverdark in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="neverdark-bench-") as folder:
        running = Neverdark(Path(folder), streams, **settings)
        try:
            yield running
        finally:
            running.end()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
