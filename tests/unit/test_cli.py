"""The commands: exit codes, what goes where, and no traceback whatever is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor import __version__, cli
from supervisor.orphans import lock

GOOD = "streams: {a: {command: [sleep, 60]}}"
WRONG = "lisen: x\nstreams: {a: {command: [], enabled: 7}}"
CLIENTS = [["status"], ["start", "a"], ["stop", "a"], ["restart", "a"], ["logs", "a"]]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NEVERDARK_URL", "NEVERDARK_LISTEN", "NEVERDARK_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def config(content: str) -> str:
    Path("c.yml").write_text(content)
    return "c.yml"


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_wrong_configuration_is_exit_code_2_with_every_mistake_on_stderr(
    command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, "-c", config(WRONG)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert [line.split(": ")[1] for line in err.splitlines()] == ["lisen", "streams.a.command", "streams.a.enabled"]
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("file", ["nowhere.yml", "."])
def test_a_configuration_that_is_not_there(command: str, file: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main([command, "-c", file]) == 2
    assert capfd.readouterr().err.startswith(f"{file}: cannot be read: ")


def test_without_any_configuration_it_is_said_where_one_was_looked_for(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check"]) in {0, 2}
    if not Path("/etc/neverdark/neverdark.yml").exists():
        assert "looked for neverdark.yml and /etc/neverdark/neverdark.yml" in capfd.readouterr().err


def test_where_nobody_may_even_look_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As in a directory that is closed to us; root may look anywhere, but not behind a name that is too long."""
    hidden = Path("x" * 300) / "neverdark.yml"
    monkeypatch.setattr(cli, "_CONFIG_FILES", (hidden,))
    assert cli.main(["check"]) == 2
    assert capfd.readouterr().err == f"{hidden}: cannot be read: File name too long\n"


@pytest.mark.parametrize("argv", CLIENTS, ids=lambda argv: argv[0])
def test_a_client_needs_no_configuration_that_it_may_read(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A service's is closed to everybody else."""
    monkeypatch.setattr(cli, "_CONFIG_FILES", (Path("x" * 300) / "neverdark.yml",))
    monkeypatch.setenv("NEVERDARK_LISTEN", "127.0.0.1:1")
    assert cli.main(argv) == 1
    assert capfd.readouterr().err == "neverdark: no neverdark answers at http://127.0.0.1:1; is it running?\n"


def test_a_good_configuration_is_said_to_be_good(capfd: pytest.CaptureFixture[str]) -> None:
    Path("neverdark.yml").write_text(GOOD)
    assert cli.main(["check"]) == 0
    assert capfd.readouterr().out.startswith("neverdark.yml: good (1 stream, FFmpeg ")


def test_an_ffmpeg_that_is_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fake = tmp_path / "fake"
    fake.write_text("#!/bin/sh\necho hello\n")
    fake.chmod(0o755)
    assert cli.main(["check", "-c", config(f"ffmpeg: {fake}\n{GOOD}")]) == 2
    assert capfd.readouterr().err.startswith("c.yml: ffmpeg: ")


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["start"], ["check", "--nonsense"], ["logs", "a", "--role", "x"]])
def test_wrong_usage_is_exit_code_2(argv: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(argv)
    assert ended.value.code == 2
    assert "usage: neverdark" in capfd.readouterr().err


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capfd.readouterr().out == f"neverdark {__version__}\n"


@pytest.mark.parametrize("argv", CLIENTS)
def test_a_client_without_a_neverdark_fails_in_words(argv: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*argv, "--url", "http://127.0.0.1:1/"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "neverdark: no neverdark answers at http://127.0.0.1:1; is it running?\n"


@pytest.mark.parametrize("url", ["127.0.0.1:1", "nonsense://x", "http://", "http://["])
def test_a_client_with_an_impossible_url_fails_in_words(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--url", url]) in {1, 2}
    assert "Traceback" not in capfd.readouterr().err


def test_a_client_finds_its_neverdark_by_the_configuration_although_that_has_mistakes(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["status", "-c", config("listen: 127.0.0.1:1\n" + WRONG)]) == 1
    assert "at http://127.0.0.1:1;" in capfd.readouterr().err
    assert cli.main(["status", "-c", config("listen: '[::]:2'")]) == 1
    assert "at http://127.0.0.1:2;" in capfd.readouterr().err
    monkeypatch.setenv("MY_PORT", "3")
    assert cli.main(["status", "-c", config("listen: 127.0.0.1:${MY_PORT}")]) == 1
    assert "at http://127.0.0.1:3;" in capfd.readouterr().err
    monkeypatch.setenv("NEVERDARK_LISTEN", "127.0.0.1:4")
    assert cli.main(["status", "-c", config("listen: 127.0.0.1:1")]) == 1
    assert "at http://127.0.0.1:4;" in capfd.readouterr().err
    monkeypatch.setenv("NEVERDARK_URL", "http://127.0.0.1:5")
    assert cli.main(["status"]) == 1
    assert "at http://127.0.0.1:5;" in capfd.readouterr().err


def test_a_client_whose_listen_is_wrong_is_told_so(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["status", "-c", config("listen: nowhere")]) == 2
    assert capfd.readouterr().err.startswith("c.yml: listen: 'nowhere': expected an address")
    monkeypatch.setenv("NEVERDARK_LISTEN", "nowhere")
    assert cli.main(["status"]) == 2
    assert "listen (from NEVERDARK_LISTEN): 'nowhere': expected an address" in capfd.readouterr().err


def test_a_data_dir_in_use_is_exit_code_1(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    held = lock(tmp_path / "neverdark-data")
    try:
        assert cli.main(["run", "-c", config(GOOD)]) == 1
    finally:
        os.close(held)
    assert "another neverdark is running" in capfd.readouterr().err
