"""The data_dir: one owner at a time, and nothing in it that others made or can change."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor.machine.data_dir import DataDir, DataDirInUse, Untrusted

STRANGER = 10002
LOCK_IT = 'import fcntl, time; fcntl.flock(3, 2); print("locked", flush=True); time.sleep(60)'
AS_STRANGER = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a data_dir is to be; every user can go there."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode | 0o011)
    return tmp_path / "nd data"


@pytest.fixture
def data_dir(place: Path) -> Iterator[DataDir]:
    data_dir = DataDir(place)
    yield data_dir
    data_dir.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# --- one at a time -----------------------------------------------------------------------------------


def test_a_data_dir_has_one_owner(tmp_path: Path) -> None:
    path = tmp_path / "new" / "data"
    held = DataDir(path)
    assert mode(path) & 0o027 == 0
    before = descriptors()
    with pytest.raises(DataDirInUse, match=str(path)):
        DataDir(path)
    assert descriptors() == before
    held.close()
    DataDir(path).close()


def test_a_lock_is_not_inherited(tmp_path: Path) -> None:
    """A child that outlives us must not keep the next neverdark out."""
    held = DataDir(tmp_path)
    child = subprocess.Popen(["sleep", "300"], close_fds=False)
    try:
        held.close()
        again = DataDir(tmp_path)
        assert child.poll() is None, "the child lived while the lock was taken again"
        again.close()
    finally:
        child.kill()
        child.wait()


def test_an_older_version_and_this_one_keep_each_other_out(place: Path) -> None:
    place.mkdir(mode=0o750)
    older = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(older, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with pytest.raises(DataDirInUse):
        DataDir(place)
    os.close(older)
    held = DataDir(place)
    older = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(older, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(older)
    held.close()


def test_a_lock_file_that_somebody_removed_lets_nobody_in(data_dir: DataDir) -> None:
    (data_dir.path / "lock").unlink()
    with pytest.raises(DataDirInUse):
        DataDir(data_dir.path)


@pytest.fixture
def stranger() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    begun: list[subprocess.Popen[bytes]] = []

    def begin(*argv: str) -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen([*AS_STRANGER, *argv], stdout=subprocess.PIPE))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("holder", ["alive", "gone"])
def test_another_user_cannot_hold_the_lock(
    place: Path, stranger: Callable[..., subprocess.Popen[bytes]], holder: str
) -> None:
    place.mkdir()
    place.chmod(0o755)
    DataDir(place).close()
    # `flock` takes the lock and ends; whoever has its descriptor still holds it.
    taken = {"alive": f"exec python3 -c '{LOCK_IT}'", "gone": "flock -x 3"}[holder]
    process = stranger("sh", "-c", f"exec 3<'{place}'; {taken} && echo locked; exec sleep 60")
    assert process.stdout is not None
    assert process.stdout.readline() == b"locked\n", "it can lock the directory"
    refused = subprocess.run([*AS_STRANGER, "sh", "-c", f"exec 3<'{place}/lock'"], capture_output=True, check=False)
    assert refused.returncode, "but not even open the file"
    held = DataDir(place)
    with pytest.raises(DataDirInUse):
        DataDir(place)
    held.close()


# --- whose it is -------------------------------------------------------------------------------------


def to_stranger(path: Path) -> None:
    os.chown(path, STRANGER, STRANGER, follow_symlinks=False)


def to_everybody(path: Path) -> None:
    path.chmod(0o777)


def to_its_group(path: Path) -> None:
    path.chmod(0o770)


def by_a_link(path: Path) -> None:
    real = path.with_name("elsewhere")
    path.rename(real)
    path.symlink_to(real)


BELOW = ["run", "logs", "run/cam", "logs/cam", "run/cam/encoder.output", "lock", "id"]


@pytest.mark.parametrize("where", ["", *BELOW])
@pytest.mark.parametrize(
    ("change", "said", "remedy"),
    [
        (to_stranger, "belongs to ", "chown -R {uid} '{place}'"),
        (to_everybody, "can be changed by every user", "chmod -R go-w '{place}'"),
        (to_its_group, "can be changed by its group", "chmod -R go-w '{place}'"),
        (by_a_link, "is a symbolic link", "rm '{path}'"),
    ],
)
def test_what_others_made_or_can_change_is_refused_with_the_command_that_mends_it(
    place: Path, where: str, change: Callable[[Path], None], said: str, remedy: str
) -> None:
    made = DataDir(place)
    for top in ("run", "logs"):
        os.close(made.opened((top, "cam")))
    os.mkfifo(place / "run/cam/encoder.output", 0o600)
    made.close()
    path = place / where
    if change is by_a_link and not where:
        change(path)
        DataDir(place).close()  # the path that the owner has written may well be a link
        return
    change(path)
    before = descriptors()
    with pytest.raises(Untrusted) as refused:
        DataDir(place)
    assert descriptors() == before
    assert str(refused.value.strerror).startswith(f"{path} {said}")
    assert refused.value.remedy == remedy.format(uid=os.geteuid(), place=place, path=path)
    subprocess.run(["sh", "-c", refused.value.remedy], check=True)
    DataDir(place).close()


def test_the_root_of_a_tmpfs_will_do_but_not_what_others_put_there(place: Path) -> None:
    place.mkdir()
    place.chmod(0o1777)
    (place / "run").mkdir()
    to_stranger(place / "run")
    with pytest.raises(Untrusted, match="run belongs to"):
        DataDir(place)
    (place / "run").rmdir()
    DataDir(place).close()
    assert mode(place) == 0o1755


def test_a_directory_that_others_change_while_we_run_is_not_used(data_dir: DataDir, place: Path) -> None:
    os.close(data_dir.opened(("logs", "cam")))
    to_everybody(place / "logs")
    before = descriptors()
    with pytest.raises(Untrusted):
        data_dir.opened(("logs", "cam"))
    shutil.rmtree(place / "logs")
    (place / "logs").symlink_to("/tmp")  # noqa: S108 - where it would lead
    with pytest.raises(OSError, match="Not a directory"):
        data_dir.opened(("logs", "cam"))
    assert descriptors() == before


def test_what_is_made_is_ours_alone_but_logs_may_be_read_by_the_group(data_dir: DataDir, place: Path) -> None:
    for names in (("run", "cam"), ("logs", "cam")):
        os.close(data_dir.opened(names))
    made = {str(path.relative_to(place)): mode(path) for path in place.rglob("*")}
    logs = 0o750 & ~_umask()
    assert made == {"run": 0o700, "run/cam": 0o700, "logs": logs, "logs/cam": logs, "lock": 0o600, "id": 0o600}


def _umask() -> int:
    now = os.umask(0o077)
    os.umask(now)
    return now


def test_another_directory_in_the_same_place_is_not_taken_for_ours(data_dir: DataDir, place: Path) -> None:
    """Who can write above it can put another one there; ours stays ours."""
    place.rename(place.with_name("moved"))
    place.mkdir()
    os.close(data_dir.opened(("logs", "cam")))
    assert list(place.iterdir()) == []
    assert (place.with_name("moved") / "logs" / "cam").is_dir()
    assert data_dir.held("logs", "cam").is_dir()


# --- the mark ----------------------------------------------------------------------------------------


def test_the_mark_is_random_and_stays(tmp_path: Path) -> None:
    marks = []
    for name in ("a", "b", "a"):
        data_dir = DataDir(tmp_path / name)
        marks.append(data_dir.mark)
        assert data_dir.mark in data_dir.marks
        data_dir.close()
    assert marks[0] == marks[2] != marks[1]
    assert str(tmp_path) not in marks[0]
    assert marks[0].startswith((tmp_path / "a" / "id").read_text() + ":")


def test_a_copy_has_a_mark_of_its_own(tmp_path: Path) -> None:
    first = DataDir(tmp_path / "first")
    subprocess.run(["cp", "-a", tmp_path / "first", tmp_path / "second"], check=True)
    second = DataDir(tmp_path / "second")
    assert (tmp_path / "first" / "id").read_text() == (tmp_path / "second" / "id").read_text()
    assert not first.marks & second.marks
    first.close()
    second.close()


@pytest.mark.parametrize("content", ["", "x" * 32, "0123", "é" * 16])
def test_an_id_that_is_none_is_replaced(place: Path, content: str) -> None:
    DataDir(place).close()
    (place / "id").write_text(content, encoding="latin-1")
    data_dir = DataDir(place)
    identity = (place / "id").read_text()
    assert len(identity) == 32
    assert data_dir.mark.startswith(identity)
    data_dir.close()


def test_a_disk_that_takes_nothing_is_locked_and_marked_all_the_same(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.mkdir(mode=0o750)
    really = os.open

    def full(path: str, flags: int, *args: int, **kwargs: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(path, flags, *args, **kwargs)

    with monkeypatch.context() as disk:
        disk.setattr(os, "open", full)
        held = DataDir(place)
        assert list(place.iterdir()) == []
        with pytest.raises(DataDirInUse):
            DataDir(place)
    held.close()
    later = DataDir(place)
    assert held.mark != later.mark
    assert held.mark in later.marks, "what it left is found when there is room again"
    later.close()


# --- a month of running ------------------------------------------------------------------------------


def test_a_data_dir_that_was_removed_is_made_again(data_dir: DataDir, place: Path) -> None:
    before = descriptors()
    for _ in range(3):
        os.close(data_dir.opened(("logs", "cam")))
        shutil.rmtree(place)
    os.close(data_dir.opened(("logs", "cam")))
    assert (place / "logs" / "cam").is_dir()
    with pytest.raises(DataDirInUse):
        DataDir(place)
    assert descriptors() == before
    assert data_dir.held("logs", "cam").is_dir()


def test_looking_into_folders_leaves_no_descriptor_open(data_dir: DataDir, place: Path) -> None:
    before = descriptors()
    folder = data_dir.folder("run", "cam")
    for _ in range(10):
        with folder.opened():
            assert folder.path == place / "run" / "cam"
    shutil.rmtree(place / "run")
    (place / "run").write_text("")
    with pytest.raises(OSError, match="Not a directory"), folder.opened():
        pass
    assert descriptors() == before


def test_a_data_dir_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    before = descriptors()
    for path, said in (("file", "Not a dir"), ("file/below", "Not a dir"), ("loop", "Too many levels")):
        with pytest.raises(OSError, match=said):
            DataDir(tmp_path / path)
    assert descriptors() == before
