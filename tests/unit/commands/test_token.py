"""`neverdark token`: what goes where, and exit codes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from supervisor import cli
from supervisor.config.tokens import FILE, Scope, TokenFile, holder, looks_named


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NEVERDARK_DATA_DIR", "NEVERDARK_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    Path("neverdark.yml").write_text("data_dir: ./data\nstreams: {a: {command: [sleep, 60]}}\n")


def token(*words: str) -> int:
    return cli.main(["token", *words])


def test_a_token_is_shown_once_and_alone(capfd: pytest.CaptureFixture[str]) -> None:
    assert token("create", "anna", "--scope", "control") == 0
    out, err = capfd.readouterr()
    text = out.removesuffix("\n")
    assert looks_named(text)
    assert text not in err
    assert "from now on orders need a token" in err
    found = holder(TokenFile(Path("data") / FILE).tokens() or (), text)
    assert found
    assert (found.name, found.scope) == ("anna", Scope.CONTROL)
    assert token("create", "bob", "--scope", "read", "-q") == 0
    out, err = capfd.readouterr()
    assert looks_named(out.strip())
    assert err == ""
    assert token("list", "--json") == 0
    listed = capfd.readouterr().out
    assert [(row["name"], row["scope"]) for row in json.loads(listed)["tokens"]] == [
        ("anna", "control"),
        ("bob", "read"),
    ]
    assert token("list") == 0
    assert text not in listed + capfd.readouterr().out


def test_a_revoked_one_is_gone_and_the_last_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("anna", "bob"):
        token("create", name, "--scope", "read", "-q")
    capfd.readouterr()
    assert token("revoke", "ana") == 1
    assert "did you mean anna?" in capfd.readouterr().err
    assert token("revoke", "anna") == 0
    assert capfd.readouterr() == ("anna: revoked\n", "")
    assert token("revoke", "bob") == 0
    assert "no token is left" in capfd.readouterr().err
    assert token("revoke", "bob") == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["create", "Anna", "--scope", "read"], 2, "Anna: expected 1 to 63 characters"),
        (["create", "operator", "--scope", "read"], 1, "operator: expected another name"),
        (["create", "anna", "--scope", "admin"], 2, "invalid choice: 'admin'"),
        (["create", "anna"], 2, "--scope"),
        (["revoke", "anna"], 1, "no such token: anna"),
        ([], 2, "ACTION"),
    ],
)
def test_what_cannot_be_done_is_one_clear_error(
    words: list[str], code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    try:
        ended = token(*words)
    except SystemExit as error:  # argparse
        ended = int(str(error.code))
    out, err = capfd.readouterr()
    assert (ended, out) == (code, "")
    assert said in err
    assert not (Path("data") / FILE).exists()


def test_a_broken_file_is_told_and_left_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    Path("data").mkdir()
    file = Path("data") / FILE
    file.write_text("")
    for words in (["create", "anna", "--scope", "read"], ["list"], ["revoke", "anna"]):
        assert token(*words) == 1
        assert str(file) in capfd.readouterr().err
    assert file.read_text() == ""


def test_it_is_the_data_dir_that_neverdark_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also of a configuration that has mistakes elsewhere; and never a guessed one."""
    Path("neverdark.yml").write_text("data_dir: ${WHERE}\nstreams: {a: {}}\n")
    assert token("list") == 2, "the variable is not set"
    monkeypatch.setenv("WHERE", "here")
    assert token("create", "anna", "--scope", "read", "-q") == 0
    assert (tmp_path / "here" / FILE).exists()
    monkeypatch.setenv("NEVERDARK_DATA_DIR", str(tmp_path / "there"))
    assert token("create", "anna", "--scope", "read", "-q") == 0
    assert (tmp_path / "there" / FILE).exists()
    monkeypatch.delenv("NEVERDARK_DATA_DIR")
    Path("neverdark.yml").unlink()
    assert token("list") == 2


def test_what_root_makes_is_for_the_user_that_neverdark_runs_as(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _file, user, group: given.append((user, group)))
    assert token("create", "anna", "--scope", "read", "-q") == 0
    owner = Path("data").stat()
    assert given == [(owner.st_uid, owner.st_gid)] * 2, "the file and its lock"
