"""The login of an account: what is kept, who refreshes, and that a person who must come is a state."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.config.youtube import AccountSection
from supervisor.platforms.youtube.errors import Kind, YoutubeError
from supervisor.platforms.youtube.oauth import Grant, OAuth
from supervisor.platforms.youtube.tokens import Login, State, Tokens
from tests.unit.platforms.scripted import Said, Script, account_at, scripted

WALL = 1_795_809_600.0


def fresh(number: int = 1, **more: object) -> Said:
    return Said(200, {"access_token": f"ya29.{number}", "expires_in": 3600, **more})


REFUSED = Said(400, {"error": "invalid_grant"})


class Bench:
    def __init__(self, script: Script, folder: Path) -> None:
        self.script = script
        self.account: AccountSection = account_at(script.url, folder)
        self.file = self.account.token_file
        self.now = 1000.0
        self.tokens = self.another()

    def another(self) -> Tokens:
        """As another process, or the next life of neverdark, has them."""
        return Tokens(self.account, OAuth(self.account), wall=lambda: WALL + self.now - 1000, clock=lambda: self.now)

    def failing(self) -> YoutubeError:
        with pytest.raises(YoutubeError) as raised:
            self.tokens.access()
        return raised.value


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with scripted(fresh()) as script:
        made = Bench(script, tmp_path)
        made.another().save(Grant("ya29.0", "1//old", 3600.0), "UC1")
        yield made


def test_the_file_is_private_and_has_no_access_token(bench: Bench) -> None:
    assert stat.S_IMODE(bench.file.stat().st_mode) == 0o600
    text = bench.file.read_text()
    assert "1//old" in text
    assert "ya29" not in text
    stored = bench.tokens.stored()
    assert stored
    assert (stored.refresh, stored.channel, stored.obtained) == ("1//old", "UC1", WALL)
    assert "1//old" not in repr(stored) + repr(bench.tokens) + repr(bench.tokens.state)


def test_a_file_that_others_may_read_is_closed_to_them(bench: Bench) -> None:
    bench.file.chmod(0o644)
    bench.tokens.access()
    assert stat.S_IMODE(bench.file.stat().st_mode) == 0o600


def test_one_access_token_is_used_until_shortly_before_its_end(bench: Bench) -> None:
    bench.script.say(fresh(1), fresh(2))
    assert bench.tokens.state == State(Login.UNTRIED)
    assert bench.tokens.access() == "ya29.1"
    assert bench.tokens.state == State(Login.GOOD, "", WALL + 3600)
    bench.now += 3539
    assert bench.tokens.access() == "ya29.1"
    bench.now += 2
    assert bench.tokens.access() == "ya29.2"
    assert len(bench.script.calls) == 2


def test_a_refused_one_is_replaced_once(bench: Bench) -> None:
    bench.script.say(fresh(1), fresh(2))
    first = bench.tokens.access()
    bench.tokens.refused(first)
    assert bench.tokens.access() == "ya29.2"
    bench.tokens.refused(first)  # another thread had it, too
    assert bench.tokens.access() == "ya29.2"
    assert len(bench.script.calls) == 2


def test_threads_refresh_once(bench: Bench) -> None:
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(bench.tokens.access())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert got == ["ya29.1"] * 8
    assert len(bench.script.calls) == 1


def test_the_old_refresh_token_stays_unless_a_new_one_comes(bench: Bench) -> None:
    bench.script.say(fresh(1), fresh(2, refresh_token="1//new"), fresh(3))
    before = bench.file.read_bytes()
    bench.tokens.refused(bench.tokens.access())
    assert bench.file.read_bytes() == before
    bench.tokens.refused(bench.tokens.access())
    assert json.loads(bench.file.read_bytes())["refresh_token"] == "1//new"
    bench.tokens.access()
    assert bench.script.calls[2].form["refresh_token"] == "1//new"
    stored = bench.tokens.stored()
    assert stored
    assert stored.channel == "UC1"


def test_a_revoked_consent_is_a_state_and_not_asked_about_again(bench: Bench) -> None:
    bench.script.say(REFUSED)
    for _ in range(3):
        error = bench.failing()
        assert (error.kind, error.reason) == (Kind.TOKEN, "invalid_grant")
        bench.now += 3600
    assert bench.tokens.state == State(Login.REFUSED, "invalid_grant")
    assert bench.tokens.state.login.needs_a_person
    assert len(bench.script.calls) == 1
    # Somebody logs in again, in another process: this one goes on.
    bench.script.say(fresh(5))
    bench.another().save(Grant("ya29.x", "1//again", 3600.0), "UC1")
    assert bench.tokens.access() == "ya29.5"
    assert bench.tokens.state.login is Login.GOOD


@pytest.mark.parametrize("said", [Said(None), Said(503, "x"), Said(200, "<html>")])
def test_a_server_in_trouble_is_asked_again_after_a_while(bench: Bench, said: Said) -> None:
    bench.script.say(said)
    assert bench.failing().kind is not Kind.TOKEN
    assert bench.tokens.state.login is Login.UNKNOWN
    assert bench.failing().kind is not Kind.TOKEN
    assert len(bench.script.calls) == 1
    bench.now += 16
    bench.script.say(fresh(7))
    assert bench.tokens.access() == "ya29.7"


def test_nobody_has_logged_in(bench: Bench) -> None:
    bench.tokens.access()
    bench.file.unlink()
    assert bench.failing().reason == "no_login"
    assert bench.tokens.look() == State(Login.NONE, "no_login")
    bench.file.symlink_to("/etc/passwd")
    assert bench.failing().reason == "unreadable_file"
    bench.file.unlink()
    bench.file.mkdir()
    assert bench.failing().kind is Kind.TOKEN
    assert len(bench.script.calls) == 1


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 9}', '{"version": 1, "refresh_token": ""}', "[" * 60_000]
)
def test_a_broken_file_is_no_login(bench: Bench, content: str) -> None:
    bench.file.write_text(content)
    assert bench.failing().reason == "unreadable_file"
    assert bench.tokens.stored() is None
    assert bench.script.calls == []


def test_a_login_of_another_client_is_none(bench: Bench) -> None:
    bench.account = bench.account.model_copy(update={"client_id": "2-other.apps"})
    bench.tokens = bench.another()
    assert bench.failing().reason == "other_client"
    assert bench.script.calls == []


def test_a_login_without_a_refresh_token_is_not_kept(bench: Bench) -> None:
    with pytest.raises(YoutubeError):
        bench.tokens.save(Grant("ya29.x", None, 3600.0))
    stored = bench.tokens.stored()
    assert stored
    assert stored.refresh == "1//old"


def test_where_nothing_can_be_written_it_goes_on(bench: Bench) -> None:
    bench.script.say(fresh(1, refresh_token="1//new"))
    (bench.file.parent / "token.json.new").mkdir()  # as good as a full disk
    assert bench.tokens.access() == "ya29.1"
    assert json.loads(bench.file.read_bytes())["refresh_token"] == "1//old"


def test_logging_out(bench: Bench) -> None:
    bench.tokens.access()
    bench.tokens.forget()
    assert not bench.file.exists()
    assert bench.failing().reason == "no_login"


def test_a_new_login_is_used_at_once_and_not_when_the_old_token_has_ended(bench: Bench) -> None:
    bench.script.say(fresh(1), fresh(2))
    assert bench.tokens.access() == "ya29.1"
    assert bench.tokens.access() == "ya29.1"
    before = bench.tokens.stamp
    bench.another().save(Grant("ya29.9", "1//new", 3600.0), "UC2")
    assert bench.tokens.stamp != before
    assert bench.tokens.access() == "ya29.2"
    assert bench.script.calls[-1].form["refresh_token"] == "1//new"
    assert bench.tokens.access() == "ya29.2"
