"""One real child: its session, its descriptors, its output that never holds it up, and its end."""

from __future__ import annotations

import os
import resource
import select
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor.machine.data_dir import DataDir, Folder
from supervisor.machine.process import Child, Outlet, spawn
from supervisor.model.terms import Exit

PATIENCE = 20.0


def until(true: Callable[[], object]) -> None:
    """Wait for a fact. There is no other way to learn what /proc says."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        select.select([], [], [], 0.005)


def ended(child: Child) -> tuple[Exit, float]:
    assert select.select([child.pidfd], [], [], PATIENCE)[0], "the child does not end"
    how = child.reap()
    child.close()
    return how


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _descriptors() -> set[str]:
    return {fd.name for fd in Path("/proc/self/fd").iterdir()}


def _inheritable(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    data_dir = DataDir(tmp_path / "data")
    yield data_dir.folder("run", "cam")
    data_dir.close()


@pytest.fixture
def outlet(folder: Folder) -> Iterator[Outlet]:
    outlet = Outlet(folder, "encoder.output")
    yield outlet
    outlet.close()


@pytest.fixture
def start(outlet: Outlet) -> Iterator[Callable[..., Child]]:
    children: list[Child] = []

    def begin(*argv: str, **environment: str) -> Child:
        child = spawn(list(argv), {"PATH": os.environ["PATH"], **environment}, outlet.fd)
        children.append(child)
        return child

    yield begin
    for child in children:
        if alive(child.pid):
            child.signal_group(signal.SIGKILL)
            ended(child)


def output(outlet: Outlet) -> bytes:
    assert select.select([outlet.fd], [], [], PATIENCE)[0], "nothing was said"
    return outlet.read()


def test_a_child_leads_a_session_of_its_own(start: Callable[..., Child]) -> None:
    child = start("sleep", "60")
    assert (os.getsid(child.pid), os.getpgid(child.pid)) == (child.pid, child.pid)


def test_a_child_has_its_environment_and_no_other(start: Callable[..., Child], outlet: Outlet) -> None:
    ended(start("env", _NEVERDARK_OWNER="/x"))
    assert set(output(outlet).split(b"\n")) == {f"PATH={os.environ['PATH']}".encode(), b"_NEVERDARK_OWNER=/x", b""}


def test_a_child_inherits_no_descriptor_and_no_input(start: Callable[..., Child], outlet: Outlet) -> None:
    reading, writing = os.pipe()
    try:
        child = start("sleep", "60")
        until(lambda: Path(f"/proc/{child.pid}/comm").read_text() == "sleep\n")
        links = {int(fd.name): str(fd.readlink()) for fd in Path(f"/proc/{child.pid}/fd").iterdir()}
    finally:
        os.close(reading)
        os.close(writing)
    of_whoever_runs_this = {int(fd) for fd in _descriptors() if _inheritable(int(fd))}
    assert set(links) - of_whoever_runs_this == {0, 1, 2} - of_whoever_runs_this
    assert links[0] == "/dev/null"
    assert links[1] == links[2] == str(Path(f"/proc/self/fd/{outlet.fd}").readlink())
    flags = int(Path(f"/proc/{child.pid}/fdinfo/2").read_text().split("flags:")[1].split()[0], 8)
    assert flags & os.O_ACCMODE == os.O_RDWR, "so that a dead reader is no broken pipe"
    assert flags & os.O_NONBLOCK, "so that a slow reader is no full pipe"


def test_a_child_has_the_signals_of_a_fresh_process(start: Callable[..., Child]) -> None:
    child = start("sleep", "60")
    until(lambda: Path(f"/proc/{child.pid}/comm").read_text() == "sleep\n")
    fields = dict(line.split(":\t") for line in Path(f"/proc/{child.pid}/status").read_text().splitlines())
    ignored, blocked = int(fields["SigIgn"], 16), int(fields["SigBlk"], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1) | 1 << (signal.SIGTERM - 1))
    assert blocked == 0


def test_a_child_has_the_file_limits_that_it_is_given(outlet: Outlet) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    child = spawn(["sleep", "60"], {"PATH": os.environ["PATH"]}, outlet.fd, file_limits=(123, hard))
    try:
        assert resource.prlimit(child.pid, resource.RLIMIT_NOFILE) == (123, hard)
    finally:
        child.signal_group(signal.SIGKILL)
        ended(child)


def test_a_full_output_neither_blocks_nor_ends_a_child(start: Callable[..., Child], outlet: Outlet) -> None:
    """A full pipe would freeze FFmpeg."""
    script = "import os\nfor _ in range(2000):\n  try: os.write(2, b'x' * 4096)\n  except BlockingIOError: pass"
    assert ended(start(sys.executable, "-c", script))[0] == Exit(0, None)
    assert len(outlet.read()) > 60_000
    assert outlet.read() == b"" or outlet.named


def test_a_readers_death_does_not_end_a_child(start: Callable[..., Child], folder: Folder) -> None:
    doomed = Outlet(folder, "doomed")
    script = "import os, time\nfor _ in range(200):\n  os.write(2, b'still here')\n  time.sleep(0.001)"
    child = spawn([sys.executable, "-c", script], {"PATH": os.environ["PATH"]}, doomed.fd)
    doomed.close()
    assert ended(child)[0] == Exit(0, None)
    assert start is not None


def test_an_outlet_knows_whether_it_is_empty(outlet: Outlet) -> None:
    assert outlet.is_empty()
    os.write(outlet.fd, b"x")
    assert not outlet.is_empty()
    assert outlet.read() == b"x"
    assert outlet.is_empty()


def test_an_outlet_is_found_again_by_its_name(folder: Folder) -> None:
    first = Outlet(folder, "encoder.output")
    path = folder.path / "encoder.output"
    assert first.named
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert path.stat().st_mode & 0o077 == 0
    second = Outlet(folder, "encoder.output")
    os.write(first.fd, b"said to the first")
    first.close()
    assert second.read() == b"said to the first"
    second.close()


def test_where_no_fifo_can_be_made_a_pipe_will_do(folder: Folder) -> None:
    folder.path.parent.mkdir()
    folder.path.write_text("")
    before = _descriptors()
    outlet = Outlet(folder, "encoder.output")
    assert not outlet.named
    assert outlet.read() == b""
    os.write(outlet.fd, b"x")
    assert outlet.read() == b"x"
    outlet.close()
    assert _descriptors() == before


def a_plain_file(path: Path) -> None:
    path.write_text("left by somebody")


def a_link_to_a_fifo_of_others(path: Path) -> None:
    os.mkfifo(path.parent / "others", 0o600)
    path.symlink_to("others")


def a_fifo_that_everybody_may_read(path: Path) -> None:
    os.mkfifo(path)
    path.chmod(0o644)


@pytest.mark.parametrize("left", [a_plain_file, a_link_to_a_fifo_of_others, a_fifo_that_everybody_may_read])
def test_something_else_in_the_place_of_the_fifo_is_removed(left: Callable[[Path], None], folder: Folder) -> None:
    """A regular file would be readable for ever, and the loop would spin; another FIFO may have another reader."""
    folder.path.mkdir(parents=True)
    path = folder.path / "encoder.output"
    left(path)
    before = path.lstat().st_ino
    outlet = Outlet(folder, "encoder.output")
    assert outlet.named
    status = os.fstat(outlet.fd)
    assert stat.S_ISFIFO(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_ino == path.lstat().st_ino
    assert status.st_ino != before or not path.is_symlink()
    others = path.parent / "others"
    assert not others.exists() or status.st_ino != others.stat().st_ino
    outlet.close()


@pytest.mark.parametrize(
    ("argv", "how"),
    [
        (("true",), Exit(0, None)),
        (("sh", "-c", "exit 7"), Exit(7, None)),
        (("sh", "-c", "kill -9 $$"), Exit(None, signal.SIGKILL)),
        (("sh", "-c", "kill -15 $$"), Exit(None, signal.SIGTERM)),
    ],
)
def test_how_it_ended(start: Callable[..., Child], argv: tuple[str, ...], how: Exit) -> None:
    exit_, cpu = ended(start(*argv))
    assert exit_ == how
    assert cpu >= 0


def test_what_a_child_leaves_in_its_group_goes_with_it(start: Callable[..., Child], outlet: Outlet) -> None:
    """A shell that died must not leave its FFmpeg publishing."""
    child = start("sh", "-c", "sleep 300 & echo $!; exit 3")
    assert select.select([child.pidfd], [], [], PATIENCE)[0]
    grandchild = int(output(outlet))
    assert alive(grandchild)
    assert child.reap()[0] == Exit(3, None)
    until(lambda: not alive(grandchild))


def test_signals_reach_the_whole_group_and_a_frozen_one_is_killed(start: Callable[..., Child], outlet: Outlet) -> None:
    child = start("sh", "-c", "sleep 300 & echo $!; wait")
    grandchild = int(output(outlet))
    child.signal_group(signal.SIGSTOP)
    until(lambda: Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    child.signal_group(signal.SIGTERM)
    assert not select.select([child.pidfd], [], [], 0)[0]
    child.signal_group(signal.SIGKILL)
    assert ended(child)[0] == Exit(None, signal.SIGKILL)
    until(lambda: not alive(grandchild))
    child.signal_group(signal.SIGTERM)  # nobody there any more: no error


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("/nowhere/ffmpeg", FileNotFoundError),
        ("no-such-program-anywhere", FileNotFoundError),
        ("/etc/hostname", OSError),
    ],
)
def test_what_cannot_be_started(outlet: Outlet, program: str, error: type[OSError]) -> None:
    before = _descriptors()
    with pytest.raises(error):
        spawn([program], {"PATH": os.environ["PATH"]}, outlet.fd)
    assert _descriptors() == before


def test_a_child_knows_what_it_inherits_by_the_number_that_it_expects(outlet: Outlet) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"media")
    try:
        child = spawn(["head", "-c", "5", "/dev/fd/3"], {"PATH": os.environ["PATH"]}, outlet.fd, {3: reading})
        assert ended(child)[0] == Exit(0, None)
        assert not os.get_inheritable(reading), "ours stays ours"
    finally:
        os.close(reading)
        os.close(writing)
    assert output(outlet) == b"media"
