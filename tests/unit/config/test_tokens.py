"""The file of tokens: what it keeps, what it refuses, and who may lose what."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.tokens import (
    FILE,
    LOCAL,
    MOST,
    OPERATOR,
    BrokenTokenFile,
    NoSuchToken,
    Scope,
    TokenFile,
    holder,
    looks_named,
)

NOW = datetime(2026, 11, 27, 7, 30, tzinfo=UTC)
ROW = {"name": "a", "scope": "read", "sha256": "0" * 64, "created": "2026-11-27T07:30:00Z"}


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / FILE)


def make(file: TokenFile, name: str, scope: Scope = Scope.READ) -> str:
    return file.create(name, scope, NOW)


def named(file: TokenFile) -> list[str]:
    return [token.name for token in file.tokens() or ()]


def test_only_the_hash_is_kept_and_only_for_its_owner(file: TokenFile, tmp_path: Path) -> None:
    assert file.tokens() is None
    text = make(file, "anna", Scope.CONTROL)
    assert looks_named(text)
    assert len(text) >= 40
    written = file.path.read_text()
    assert text not in written
    assert hashlib.sha256(text.encode()).hexdigest() in written
    for left in tmp_path.iterdir():
        assert stat.S_IMODE(left.stat().st_mode) == 0o600
    (token,) = file.tokens() or ()
    assert (token.name, token.scope, token.created) == ("anna", Scope.CONTROL, "2026-11-27T07:30:00Z")


def test_each_token_opens_for_its_own_name(file: TokenFile) -> None:
    anna, bob = make(file, "anna", Scope.CONTROL), make(file, "bob")
    tokens = file.tokens() or ()
    assert [found.name for text in (anna, bob) if (found := holder(tokens, text))] == ["anna", "bob"]
    for wrong in ("", anna[:-1], anna + "x", anna.upper(), "\udcff", tokens[0].digest):
        assert holder(tokens, wrong) is None


def test_another_process_change_is_seen_at_the_next_look(file: TokenFile) -> None:
    other = TokenFile(file.path)
    make(other, "anna")
    assert named(file) == ["anna"]
    make(other, "bob")
    assert named(file) == ["anna", "bob"]
    other.revoke("anna")
    assert named(file) == ["bob"]


def test_a_file_that_has_not_changed_is_not_read_again(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    make(file, "anna")
    file.tokens()
    monkeypatch.setattr(os, "pread", lambda *_: pytest.fail("read again"))
    assert named(file) == ["anna"]


@pytest.mark.parametrize("name", ["", "Anna", "a b", "-a", "a" * 64, "ä", "a\n", OPERATOR, LOCAL, "schedule"])
def test_names_that_cannot_be_had(name: str, file: TokenFile) -> None:
    with pytest.raises(ValueError, match="expected"):
        make(file, name)
    assert file.tokens() is None


def test_a_name_is_there_once(file: TokenFile) -> None:
    make(file, "anna")
    with pytest.raises(ValueError, match="revoke anna"):
        make(file, "anna", Scope.CONTROL)
    assert named(file) == ["anna"]
    with pytest.raises(NoSuchToken):
        file.revoke("bob")


def test_there_is_a_limit(file: TokenFile) -> None:
    rows = [ROW | {"name": f"t{number}"} for number in range(MOST)]
    file.path.write_text(json.dumps({"version": 1, "tokens": rows}))
    file.path.chmod(0o600)
    with pytest.raises(ValueError, match=str(MOST)):
        make(file, "anna")
    file.revoke("t7")
    make(file, "anna")
    assert len(named(file)) == MOST


def test_two_that_write_at_once_lose_nothing(file: TokenFile) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: make(TokenFile(file.path), f"t{number}"), range(24)))
    assert sorted(named(file)) == sorted(f"t{number}" for number in range(24))


def test_what_cannot_be_written_changes_nothing(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    make(file, "anna")

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        make(file, "bob")
    assert named(file) == ["anna"]
    assert not file.path.with_name(f"{FILE}.new").exists()


def test_what_a_crash_left_is_in_nobodys_way(file: TokenFile) -> None:
    file.path.with_name(f"{FILE}.new").write_text("half")
    make(file, "anna")
    assert named(file) == ["anna"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "nd_a-token-that-was-pasted",
        "[" * 50_000,
        "\0" * 20,
        {"version": 2, "tokens": []},
        {"version": 1, "tokens": {}},
        {"version": 1, "tokens": ["a"]},
        {"version": 1, "tokens": [ROW, ROW]},
        {"version": 1, "tokens": [ROW | {"scope": "admin"}]},
        {"version": 1, "tokens": [ROW | {"scope": None}]},
        {"version": 1, "tokens": [ROW | {"sha256": ""}]},
        {"version": 1, "tokens": [ROW | {"sha256": "0" * 63 + "X"}]},
        {"version": 1, "tokens": [ROW | {"name": "../a"}]},
        {"version": 1, "tokens": [ROW | {"name": OPERATOR}]},
        {"version": 1, "tokens": [ROW | {"created": "\x1b[31m"}]},
        {"version": 1, "tokens": [ROW | {"name": f"t{number}"} for number in range(MOST + 1)]},
        {"version": 1, "tokens": [ROW], "more": "x" * 70_000},
    ],
)
def test_a_file_that_is_not_ours_has_no_token_that_is_right(content: Any, file: TokenFile) -> None:
    file.path.write_text(content if isinstance(content, str) else json.dumps(content))
    file.path.chmod(0o600)
    for attempt in (file.tokens, lambda: make(file, "anna"), lambda: file.revoke("a")):
        with pytest.raises(BrokenTokenFile, match="expected") as caught:
            attempt()
        assert "pasted" not in str(caught.value)


def test_what_others_can_change_is_not_believed(file: TokenFile, tmp_path: Path) -> None:
    make(file, "anna")
    for mode in (0o660, 0o606):
        file.path.chmod(mode)
        with pytest.raises(BrokenTokenFile, match="chmod 600"):
            file.tokens()
    file.path.chmod(0o600)
    assert named(file) == ["anna"]
    file.path.rename(tmp_path / "elsewhere")
    file.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BrokenTokenFile, match="plain file"):
        file.tokens()
    file.path.unlink()
    os.mkfifo(file.path, 0o600)
    with pytest.raises(BrokenTokenFile, match="plain file"):
        file.tokens()
