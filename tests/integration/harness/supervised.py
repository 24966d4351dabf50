"""A real neverdark, as a process: started on a configuration, asked through its API, ended without a trace."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import requests
from prometheus_client.parser import text_string_to_metric_families

from supervisor.machine.marks import OWNER_VARIABLE
from tests.integration.harness.recipes import BAIT, Json
from tests.integration.harness.waiting import ON_AIR, SLACK, STARTED, eventually, free_port
from tests.plain_yaml import plain_dump

REPOSITORY = Path(__file__).parents[3]
# How long a stop in order may take, from SIGTERM to gone.
STOP_SECONDS = 5.0

# For an answer, which nobody has promised on a machine that others use: so long takes only a hang.
PATIENCE = 20

ProcessName = tuple[str, str, str]  # stream, role, destination


def environment(**extra: str) -> dict[str, str]:
    """Ours, without what would reach into a neverdark; the package is found wherever the test runs."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NEVERDARK_")}
    return inherited | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"} | extra


def ignores_sigterm(pid: int) -> bool:
    """Whether the process has got that far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    ignored = next(line.split()[1] for line in lines if line.startswith("SigIgn:"))
    return bool(int(ignored, 16) & 1 << (signal.SIGTERM - 1))


def carriers(data_dir: Path) -> dict[int, str]:
    """Processes, zombies aside, that carry the mark of the neverdark of `data_dir`: pid → command line."""
    return carriers_of(mark_of(data_dir))


def carriers_of(mark: str) -> dict[int, str]:
    """The same, by the mark itself."""
    variable = f"{OWNER_VARIABLE}={mark}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and variable in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def mark_of(data_dir: Path) -> str:
    """What the children of a neverdark carry: the id in its data_dir, and which directory that is."""
    with contextlib.suppress(FileNotFoundError):
        where = data_dir.stat()
        id_file = data_dir / "id"
        identity = id_file.read_text() if id_file.exists() else ""
        return f"{identity}:{where.st_dev:x}:{where.st_ino:x}"
    return "no data_dir, no children"


class Neverdark:
    """`neverdark run` on a configuration of the test's. Starts on `start`, or on entering it as a context."""

    def __init__(self, folder: Path, streams: Mapping[str, object], **top: object) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = free_port()
        self.config_file = folder / "neverdark.yml"
        self.scheme = "http"
        self.environment = environment()
        self.wrapper: list[str] = []  # what `launch` runs neverdark under; it has to exec
        self.config: Json = {"listen": f"127.0.0.1:{self.port}", "data_dir": "./data"}
        self.config |= {**top, "streams": dict(streams)}
        self.vault: tuple[str, ...] = ()  # how files of the data_dir begin that may hold secrets
        self.process: subprocess.Popen[bytes] | None = None
        self._output = folder / "output.log"
        self._marks: set[str] = set()  # of its children, as seen so far
        self._session = requests.Session()
        self._session.trust_env = False
        self._counters: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        self.write_config()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self._kill()  # nobody leaves a context that was never entered
            raise

    def __exit__(self, *error: object) -> None:
        try:
            self.end()
        finally:
            # Shown by pytest if the test failed, and then the first thing that one wants to see.
            print(f"--- {self.config_file}\n{self.log()}")

    # --- life --------------------------------------------------------------------------------------

    def write_config(self) -> None:
        """Write `config` to the file, in one step, as editors do."""
        new = self.config_file.with_suffix(".new")
        new.write_text(plain_dump(self.config, sort_keys=False))
        new.replace(self.config_file)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start it and do not wait for anything."""
        self._counters.clear()
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                [*self.wrapper, sys.executable, "-m", "supervisor", "run", "-c", str(self.config_file)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,
            )
        return self.process

    def start(self) -> Self:
        """Start it and wait until its API answers."""
        process = self.launch()

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"neverdark ended with {process.returncode}:\n{self.log()}")
            return self.get("/healthz").ok

        eventually(answers, STARTED, "neverdark answers")
        self._marks.add(mark_of(self.inside()))
        return self

    def inside(self) -> Path:
        """Its data_dir as it sees it: it may have mounts of its own."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.data_dir}")

    def left(self) -> dict[int, str]:
        """Every process that carries its mark."""
        marks = self._marks | {mark_of(self.data_dir)}
        return {pid: line for mark in marks for pid, line in carriers_of(mark).items()}

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Its exit code."""
        process = self.process
        assert process is not None
        eventually(lambda: process.poll() is not None, seconds, "neverdark ends")
        return process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it in order, within what is promised; returns the exit code."""
        self.send(number)
        return self.wait(STOP_SECONDS + SLACK)

    def crash(self) -> None:
        """SIGKILL: no chance to end anything."""
        self.send(signal.SIGKILL)
        self.wait(10)

    def end(self) -> None:
        """The last look, and the end: in order, nothing left behind, no secret in anything it has shown."""
        try:
            if self.process and self.process.poll() is None:
                self._look_around()
                assert self.stop() == 0, "SIGTERM ends with exit code 0"
            left = self.left()
            assert not left, f"processes are left behind: {left}"
            self._assert_no_secret()
            assert "Traceback" not in self.log()
        finally:
            self._session.close()
            self._kill()

    def _kill(self) -> None:
        """After a failure: the next test starts clean, and on a machine that is not busy with what is left of this."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _look_around(self) -> None:
        """Everything it shows to others, kept so that `_assert_no_secret` sees it too."""
        seen = [self.get(path).text for path in ("/", "/metrics", "/api/streams", "/readyz", "/healthz")]
        self.metrics()
        (self.folder / "seen.txt").write_text("\n".join(seen))

    def _assert_no_secret(self) -> None:
        shown = [self._output, self.folder / "seen.txt", *self.log_files()]
        leaks = [
            f"{path.name}: {line}"
            for path in shown
            if path.exists() and not path.name.startswith(self.vault)
            for line in path.read_text(errors="replace").splitlines()
            if BAIT in line
        ]
        assert not leaks, f"secrets got out:\n{chr(10).join(leaks[:10])}"

    # --- what it says ------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def trust(self, bundle: Path) -> None:
        """Believe the certificates of these authorities."""
        self._session.verify = str(bundle)

    def log(self) -> str:
        """Its standard output and error."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    def log_files(self) -> list[Path]:
        """Every regular file that it has written: logs, and whatever else there may be."""
        return [path for path in self.data_dir.rglob("*") if path.is_file()]

    def get(self, path: str) -> requests.Response:
        return self._session.get(self.url + path, timeout=PATIENCE)

    def post(self, path: str, token: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._session.post(self.url + path, headers=headers, timeout=PATIENCE)

    def ask(self, method: str, path: str, body: Json | None = None) -> requests.Response:
        """A request with a body."""
        return self._session.request(method, self.url + path, json=body, timeout=PATIENCE)

    def cli(self, *words: str, seconds: float = STARTED) -> subprocess.CompletedProcess[str]:
        """Another command of neverdark's, against this one; its output is looked through for secrets, too."""
        done = subprocess.run(
            [sys.executable, "-m", "supervisor", *words],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.folder,
            timeout=seconds,
            check=False,
        )
        assert BAIT not in done.stdout + done.stderr, "a secret got out"
        return done

    def stream(self, name: str) -> Json:
        """One stream, as the API shows it."""
        answer = self.get(f"/api/streams/{name}")
        assert answer.ok, answer.text
        stream: Json = answer.json()
        return stream

    def streams(self) -> list[Json]:
        streams: list[Json] = self.get("/api/streams").json()["streams"]
        return streams

    def processes(self) -> Iterator[tuple[ProcessName, Json]]:
        """All but the encoders of fallbacks, which would have the name of the stream's own."""
        for stream in self.streams():
            for process in [one for one in stream["processes"] if not one["name"].startswith("fallback")]:
                yield (stream["stream"], process["role"], process["destination"] or ""), process

    def one(self, stream: str, role: str, destination: str = "") -> Json:
        """One process, as the API shows it."""
        return dict(self.processes())[stream, role, destination]

    def pid(self, stream: str, role: str, destination: str = "") -> int:
        """The pid that the API names. Raises LookupError while there is none."""
        pid = self.one(stream, role, destination)["pid"]
        if pid is None:
            raise LookupError(f"{stream} {role} {destination}: no process")
        return int(pid)

    def replaced(self, old: int, stream: str, role: str, destination: str = "") -> bool:
        """Whether a process other than `old` is in that place."""
        return self.pid(stream, role, destination) != old

    def pids(self) -> dict[ProcessName, int | None]:
        return {name: process["pid"] for name, process in self.processes()}

    def restarts(self) -> dict[ProcessName, dict[str, int]]:
        """What was replaced so far and why; only reasons that occurred."""
        return {
            name: {reason: count for reason, count in process["restarts"].items() if count}
            for name, process in self.processes()
        }

    def exits(self, stream: str, role: str, destination: str = "") -> dict[str, int]:
        """How a process' runs ended so far; only causes that occurred."""
        return {cause: n for cause, n in self.one(stream, role, destination)["exits"].items() if n}

    def frames(self, stream: str, role: str, destination: str = "") -> int:
        return int(self.one(stream, role, destination)["progress"]["frames"])

    def on_air(self, *names: str) -> bool:
        """Whether these streams (without names: all wanted ones) are on air."""
        chosen = [stream for stream in self.streams() if (stream["stream"] in names if names else stream["wanted"])]
        return bool(chosen) and all(stream["on_air"] for stream in chosen)

    def wait_on_air(self, *names: str, seconds: float = ON_AIR) -> None:
        eventually(lambda: self.on_air(*names), seconds, f"{', '.join(names) or 'all'} on air")

    # --- what it counts ----------------------------------------------------------------------------

    def counters(self, *families: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Those of these families, `livestream_…`; from here on, neverdark may be another one that counts anew."""
        self._counters = {}
        names = {f"livestream_{family}" for family in families}
        return {sample: value for sample, value in self.metrics().items() if sample[0] in names}

    def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """All samples, read by the library's own parser. Counters may not have fallen since the last look."""
        text = self.get("/metrics").text
        samples, counters = {}, {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                samples[key] = sample.value
                if family.type == "counter":
                    counters[key] = sample.value
        fallen = {key: (old, counters.get(key)) for key, old in self._counters.items() if counters.get(key, old) < old}
        assert not fallen, f"counters fell: {fallen}"
        self._counters |= counters
        return samples

    def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of `livestream_…` with these labels. Raises LookupError without any."""
        wanted = set(labels.items())
        found = [
            value for (sample, own), value in self.metrics().items() if sample == f"livestream_{name}" and wanted <= own
        ]
        if not found:
            raise LookupError(f"no livestream_{name} with {labels}")
        return sum(found)
