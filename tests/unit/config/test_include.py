"""A directory with one stream a file: the same problems as in one file, each with the file, the key and the line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor.config import include
from supervisor.config.fields import text
from supervisor.config.file import Loaded, load
from supervisor.config.problems import ConfigError, ConfigWarning, Problem
from supervisor.config.stamp import stamp_of
from supervisor.config.watch import ConfigWatch, Files, Looks
from supervisor.preflight.warnings import warnings_of

SECRET = "S3CR3T"
STREAM = """\
source: {url: x.mp4}
destinations:
  d: {url: "rtmp://127.0.0.1/live", key: %s}
"""


class Directory:
    """A configuration that includes one."""

    def __init__(self, folder: Path) -> None:
        self.main = folder / "neverdark.yml"
        self.main.write_text("include: conf.d\n")
        self.directory = folder / "conf.d"
        self.directory.mkdir()

    def add(self, name: str, content: str | None = None) -> Path:
        file = self.directory / name
        file.write_text(content if content is not None else STREAM % name)
        return file

    def load(self) -> Loaded:
        return load(self.main)

    def problems(self) -> list[str]:
        """Each without the directory in front."""
        with pytest.raises(ConfigError) as error:
            self.load()
        assert SECRET not in str(error.value)
        assert list(error.value.told) == [str(problem) for problem in error.value.problems]
        lines = str(error.value).splitlines()
        return [line.replace(f"{self.directory}/", "").removeprefix(f"{self.directory}: ") for line in lines]


@pytest.fixture
def conf(tmp_path: Path) -> Directory:
    return Directory(tmp_path)


# --- which files count ---------------------------------------------------------------------------------


def test_each_file_is_a_stream_and_stands_behind_those_of_the_main_file(conf: Directory) -> None:
    conf.add("b.yml")
    conf.add("a.yaml")
    conf.main.write_text("include: conf.d\nstreams:\n  z: {command: [x]}\n")
    assert list(conf.load().config.streams) == ["z", "a", "b"]


@pytest.mark.parametrize(
    "name",
    [".a.yml", ".a.yml.swp", "a.yml~", "#a.yml#", "#a.yml", ".#a.yml", "4913", "README", "a.yml.dpkg-old", "key"],
)
def test_what_is_no_fragment_is_left_alone(conf: Directory, name: str) -> None:
    conf.add("b.yml")
    conf.add(name, "not: [yaml")
    assert list(conf.load().config.streams) == ["b"]


def test_a_directory_without_files_means_no_streams(conf: Directory) -> None:
    assert not conf.load().config.streams


def test_links_are_followed_wherever_they_lead(conf: Directory, tmp_path: Path) -> None:
    (tmp_path / "available").mkdir()
    (tmp_path / "available" / "key").write_text("not this one")
    (tmp_path / "available" / "a.yml").write_text(STREAM.replace("key: %s", "key_file: key"))
    (conf.directory / "a.yml").symlink_to(tmp_path / "available" / "a.yml")
    conf.add("key", "the-key")
    loaded = conf.load()
    assert text(loaded.config.streams["a"].destinations["d"].secret_key) == "the-key"
    assert loaded.files[conf.directory / "a.yml"] == stamp_of(tmp_path / "available" / "a.yml")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("Big One.yml", STREAM, "'Big One.yml': expected the name of a stream in front of .yml: 1 to 63 characters"),
        ("a.yml", "", "a.yml: expected the keys and values of a stream; is the file empty or half saved?"),
        ("a.yml", "- x\n", "a.yml: expected the keys and values of a stream"),
        ("a.yml", "a: {source: {url: x}}\n", "a.yml: expected the keys of the stream alone: its name is that of"),
        ("a.yml", "streams: {a: {source: {url: x}}}\n", "a.yml: expected the keys of the stream alone"),
        ("a.yml", "source: [\n", "a.yml: line 2, column 1: expected YAML: "),
        ("a.yml", "x: " + "y" * 140_000, "a.yml: expected at most 131072 bytes, but it has 140003"),
    ],
)
def test_a_file_that_cannot_be_a_stream(conf: Directory, name: str, content: str, problem: str) -> None:
    conf.add(name, content)
    (found,) = conf.problems()
    assert found.startswith(problem)


@pytest.mark.parametrize("name", [b"a\nb.yml", b"a\xff.yml", b"\x1b[31m.yml"])
def test_a_name_of_any_characters_is_told_in_ones_that_everybody_can_show(conf: Directory, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(conf.directory) + b"/" + name)).write_text(STREAM)
    (found,) = conf.problems()
    assert found.isascii()
    assert found.isprintable()


def test_what_cannot_be_read_is_named_and_never_waited_for(conf: Directory) -> None:
    os.mkfifo(conf.directory / "a.yml")
    (conf.directory / "b.yml").mkdir()
    (conf.directory / "c.yml").symlink_to("nowhere")
    assert conf.problems() == [
        "a.yml: cannot be read: it is not a plain file",
        "b.yml: cannot be read: Is a directory",
        "c.yml: cannot be read: No such file or directory",
    ]


def test_all_files_together_have_a_bound(conf: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(include, "MOST_BYTES", 250)
    for name in "abcd":
        conf.add(f"{name}.yml")
    (found,) = conf.problems()
    assert found.startswith("c.yml: expected at most 250 bytes together with ")


def test_a_directory_of_something_else_is_not_read_for_ever(conf: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(include, "_MOST_ENTRIES", 3)
    for name in "abcd":
        conf.add(name)
    assert conf.problems() == [
        f"{conf.main}: include: expected a directory of streams: it has more than 3 files",
    ]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("nowhere", "include: 'nowhere': expected a directory that can be read: No such file or directory"),
        ("neverdark.yml", "include: 'neverdark.yml': expected a directory that can be read: Not a directory"),
        ("[conf.d]", "include: a list: expected a path"),
        ("${NO_SUCH_VARIABLE}", "include: ${NO_SUCH_VARIABLE}: expected the environment variable NO_SUCH_VARIABLE to"),
        (".", "include: expected a directory of its own, but "),
        ("conf.d/..", "include: expected a directory of its own, but "),
    ],
)
def test_a_wrong_directory_is_one_problem(conf: Directory, written: str, problem: str) -> None:
    conf.main.write_text(f"include: {written}\n")
    (found,) = conf.problems()
    assert found.startswith(f"{conf.main}: {problem}")


def test_it_may_come_from_the_environment(conf: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    conf.add("a.yml")
    conf.main.write_text("ports: 20000-20009\n")
    monkeypatch.setenv("NEVERDARK_INCLUDE", "conf.d")
    assert list(conf.load().config.streams) == ["a"]


def test_the_environment_overrides_what_stands_in_a_fragment(conf: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    conf.add("a.yml", "video: {bitrate: 3M}\n" + STREAM % "k")
    monkeypatch.setenv("NEVERDARK_STREAMS__A__VIDEO__BITRATE", "5M")
    assert conf.load().config.streams["a"].video.bitrate == 5_000_000
    monkeypatch.setenv("NEVERDARK_STREAMS__A__VIDEO__BITRATE", "5x")
    (found,) = conf.problems()
    assert found.startswith(f"{conf.main}: streams.a.video.bitrate (from NEVERDARK_STREAMS__A__VIDEO__BITRATE): '5x'")


# --- what is wrong in them -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("video:\n  bitrate: 3x\n", "a.yml: video.bitrate (line 5): '3x': expected a bit rate"),
        ("vidoe: {}\n", "a.yml: vidoe (line 4): unknown key; did you mean video?"),
        ("enabled: ${NO_SUCH_VARIABLE}\n", "a.yml: enabled (line 4): ${NO_SUCH_VARIABLE}: expected the environment"),
        ("enabled: yes\nenabled: no\n", "a.yml: enabled (line 4): expected once, but it stands on lines 4 and 5"),
        ("schedule: {on: 0 6 * * *}\n", "a.yml: schedule.off (line 4): expected when it is switched on and when off"),
        (
            f"  e: {{url: rtmp://h/live, key_file: {SECRET}}}\n",
            "a.yml: destinations.e.key_file (line 4): ***: expected",
        ),
        (f"  e: {{url: rtmp://h/live, key:{SECRET}}}\n", "a.yml: destinations.e.*** (line 4): unknown key; expected a"),
        (f"  e: {{url: rtmp://h, key: {SECRET}}}\n  f: {{url: rtmp://h, key: {SECRET}}}\n", "a.yml: destinations.f (l"),
    ],
)
def test_a_mistake_names_file_key_value_and_line(conf: Directory, content: str, problem: str) -> None:
    conf.add("a.yml", STREAM % SECRET + content)
    assert any(line.startswith(problem) for line in conf.problems())


def test_the_list_is_in_the_order_of_streams_with_those_of_the_main_file(conf: Directory) -> None:
    conf.add("c.yml", "drils: no\n" + STREAM % "c")
    conf.add("a.yml", "drils: no\n" + STREAM % "a")
    conf.main.write_text("include: conf.d\nstreams:\n  b: {command: [x], drils: no}\n")
    assert [line.partition(": unknown")[0] for line in conf.problems()] == [
        "a.yml: drils (line 1)",
        f"{conf.main}: streams.b.drils",
        "c.yml: drils (line 1)",
    ]


def test_a_name_that_stands_twice_names_both(conf: Directory) -> None:
    conf.add("a.yaml")
    conf.add("a.yml")
    conf.add("b.yml")
    conf.main.write_text("include: conf.d\nstreams:\n  b: {command: [x]}\n")
    assert conf.problems() == [
        "a.yml: expected the name of another stream: the stream a stands in a.yaml, too",
        f"b.yml: expected the name of another stream: the stream b stands in {conf.main}, too (line 3)",
    ]


def test_two_streams_of_one_key_name_both_places(conf: Directory) -> None:
    conf.add("a.yml", STREAM % SECRET)
    conf.add("b.yml", STREAM.replace("127.0.0.1/", "127.0.0.1:1935/") % SECRET)
    assert conf.problems() == [
        "b.yml: destinations.d (line 3): publishes to the same place as streams.a.destinations.d of a.yml"
    ]


def test_what_is_found_on_this_machine_is_placed_as_well(conf: Directory) -> None:
    file = conf.add("a.yml", "video:\n  preset: fastest\n" + STREAM % "k")
    fragments = conf.load().fragments
    other = Problem("streams.b.video", None, "x")
    assert fragments.problems([Problem("streams.a.video.preset", "'fastest'", "x"), other]) == [
        Problem("video.preset (line 2)", "'fastest'", "x", file),
        other,
    ]
    (warning,) = fragments.warnings([ConfigWarning("streams.a.source.options[3]", "x")])
    assert str(warning) == f"{file}: source.options[3] (line 3): x"


# --- paths and secrets ---------------------------------------------------------------------------------


def test_paths_are_relative_to_the_fragment(conf: Directory, tmp_path: Path) -> None:
    for folder in (tmp_path, conf.directory):
        (folder / "key").write_text(f"key-of-{folder.name}")
    body = "source: {url: x.mp4}\ndestinations: {k: {url: rtmp://%s/live, key_file: key}, f: {url: %s.flv}}\n"
    conf.add("a.yml", body % ("a", "x"))
    conf.main.write_text(
        "include: conf.d\nstreams:\n  b:\n"
        + "".join(f"    {line}\n" for line in (body % ("b", "conf.d/x")).splitlines())
    )
    (found,) = conf.problems()
    assert "a.yml: destinations.f" in found, "conf.d/x.flv is one file, wherever it is named"
    conf.add("a.yml", body % ("a", "y"))
    streams = conf.load().config.streams
    assert text(streams["a"].destinations["k"].secret_key) == "key-of-conf.d"
    assert text(streams["b"].destinations["k"].secret_key) == f"key-of-{tmp_path.name}"
    assert streams["a"].source is not None
    assert text(streams["a"].source.url) == str(conf.directory / "x.mp4")


def test_a_fragment_with_a_secret_that_others_can_read(conf: Directory) -> None:
    conf.add("a.yml", "command: [x]\n").chmod(0o644)
    assert str(conf.directory / "a.yml") not in _warned(conf)
    file = conf.add("a.yml")
    assert _warned(conf)[str(file)].startswith("other users can read the secret in it")
    file.chmod(0o600)
    assert str(file) not in _warned(conf)
    conf.directory.chmod(0o777)
    assert str(conf.directory) in _warned(conf)


def _warned(conf: Directory) -> dict[str, str]:
    conf.main.chmod(0o644)
    found = {warning.about: warning.text for warning in warnings_of(conf.load(), conf.main)}
    assert str(conf.main) not in found, "the secret is not in there"
    return found


# --- the watch on them ---------------------------------------------------------------------------------

QUICK, PATIENT = 2, 6  # looks, see test_watch


class Watched:
    """The looks at a directory with the streams a and b."""

    def __init__(self, conf: Directory) -> None:
        conf.add("a.yml")
        conf.add("b.yml")
        self.loaded = conf.load()
        self.watch = ConfigWatch(lambda: self.loaded.files, lambda: self.loaded.config.include)
        self.looks = Looks(self.loaded.files)

    def now(self) -> Files:
        return self.watch.look()

    def looks_until_due(self, most: int = 20) -> int | None:
        return next((n for n in range(1, most) if self.looks.due(self.now(), self.loaded.files)), None)


def test_what_is_added_changed_and_removed_is_seen(conf: Directory) -> None:
    watched = Watched(conf)
    assert watched.looks_until_due() is None
    conf.add("c.yml")
    assert watched.looks_until_due() == QUICK
    watched.loaded = conf.load()
    watched.looks.accepted(watched.loaded.files)
    assert watched.looks_until_due() is None
    conf.add("a.yml", "enabled: no\n" + STREAM % "a")
    assert watched.looks_until_due() == QUICK
    watched.looks.accepted({**watched.loaded.files, conf.directory / "a.yml": stamp_of(conf.directory / "a.yml")})
    (conf.directory / "b.yml").unlink()
    assert watched.looks_until_due() == QUICK
    watched.loaded = conf.load()
    watched.looks.accepted(watched.loaded.files)
    assert watched.looks_until_due() is None


def test_a_directory_that_has_not_changed_is_not_read_again(conf: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(conf)
    read: list[Path] = []
    listed = include.listed

    def counted(directory: Path) -> list[Path]:
        read.append(directory)
        return listed(directory)

    monkeypatch.setattr(include, "listed", counted)
    assert watched.looks_until_due() is None
    assert len(read) == QUICK, "once more after a second: the file system's clock is coarse"
    conf.add("c.yml")
    assert watched.looks_until_due() == QUICK


@pytest.mark.parametrize("content", ["", "source: {url: x"], ids=["empty", "half"])
@pytest.mark.parametrize("name", ["a.yml", "c.yml"])
def test_what_may_be_half_written_is_given_time(conf: Directory, name: str, content: str) -> None:
    watched = Watched(conf)
    conf.add(name, content)
    assert watched.looks_until_due() == PATIENT


def test_what_an_editor_leaves_for_a_while_wakes_nobody(conf: Directory) -> None:
    watched = Watched(conf)
    for name in (".a.yml.swp", "a.yml~", "#a.yml#", "4913"):
        conf.add(name)
    assert watched.looks_until_due() is None


def test_a_directory_that_is_gone_is_a_change(conf: Directory) -> None:
    watched = Watched(conf)
    conf.directory.rename(conf.directory.with_name("elsewhere"))
    assert watched.looks_until_due() == QUICK


def test_one_that_comes_after_a_rejection_is_seen(conf: Directory) -> None:
    watched = Watched(conf)
    conf.add("c.yml", "drils: no\n")
    assert watched.looks_until_due() == QUICK
    watched.looks.rejected(watched.now())
    (conf.directory / "c.yml").unlink()
    assert watched.looks_until_due() == QUICK
