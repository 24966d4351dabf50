"""`neverdark youtube`: what is shown, what is kept, and exit codes."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from supervisor import cli
from supervisor.commands import youtube, youtube_view
from supervisor.platforms.youtube import oauth
from tests.unit.platforms.scripted import CHANNEL, SECRET, Said, Script, refusal, scripted
from tests.unit.platforms.test_oauth import come_back

CODE = {
    "device_code": "made-up-device-code",
    "user_code": "ABCD-EFGH",
    "verification_url": "https://www.google.com/device",
    "expires_in": 1800,
    "interval": 0.01,
}
TOKENS = {"access_token": "ya29.made-up", "refresh_token": "1//made-up", "expires_in": 3599}
PENDING = Said(428, {"error": "authorization_pending"})
REFUSED = Said(400, {"error": "invalid_grant"})
FILE = Path("data/login.json")


def channel(name: str = CHANNEL) -> Said:
    return Said(200, {"items": [{"id": name, "snippet": {"title": "Mine \x1b[31m"}}]})


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(youtube, "_STEP", 0.02)
    monkeypatch.setattr(oauth, "_SHORTEST_LIFE", 0.01)  # of the interval
    with scripted(Said(200, CODE)) as made:
        urls = dict.fromkeys(("api_url", "oauth_url", "auth_url", "page_url"), made.url)
        account = {"client_id": "1-tv.apps", "client_secret_file": "secret", "token_file": str(FILE), **urls}
        destination = {"url": "rtmp://h/live2", "key": "k", "youtube": {"account": "main", "channel": CHANNEL}}
        tree: dict[str, Any] = {
            "data_dir": "data",
            "youtube": {"accounts": {"main": account}},
            "streams": {"a": {"source": {"url": "x.mp4"}, "destinations": {"d": destination}}},
        }
        Path("neverdark.yml").write_text(json.dumps(tree))
        Path("secret").write_text(SECRET)
        Path("data").mkdir()
        yield made


def run(*words: str) -> int:
    return cli.main(["youtube", *words])


def logged_in(script: Script) -> None:
    script.say(Said(200, CODE), Said(200, TOKENS), channel())
    assert run("login") == 0


def test_a_code_is_shown_and_the_login_is_kept(script: Script, capfd: pytest.CaptureFixture[str]) -> None:
    script.say(Said(200, CODE), PENDING, Said(200, TOKENS), channel())
    assert run("login") == 0
    out, err = capfd.readouterr()
    assert "https://www.google.com/device" in out
    assert "ABCD-EFGH" in out
    assert f"main: logged in as {CHANNEL} (Mine [31m); kept in" in out
    assert err.startswith("waiting for the login, 30:00 left")
    assert json.loads(FILE.read_text())["refresh_token"] == "1//made-up"
    assert stat.S_IMODE(FILE.stat().st_mode) == 0o600
    for secret in ("made-up", SECRET, "\x1b"):
        assert secret not in out + err


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (FILE, "data/login.json: expected a file, and it is a directory"),
        (None, "data: there is no such directory"),
    ],
)
def test_nobody_is_asked_for_consent_that_could_not_be_kept(
    script: Script, capfd: pytest.CaptureFixture[str], place: Path | None, words: str
) -> None:
    if place:
        place.mkdir()
    else:
        FILE.parent.rmdir()
    assert run("login") == 1
    assert f"youtube.accounts.main.token_file: {FILE.parent.resolve().parent}/{words}" in capfd.readouterr().err
    assert script.calls == []


def test_a_login_of_another_channel_is_not_kept(script: Script, capfd: pytest.CaptureFixture[str]) -> None:
    script.say(Said(200, CODE), Said(200, TOKENS), channel("UCabcdefghijklmnopqrstuv"))
    assert run("login") == 1
    err = capfd.readouterr().err
    assert f"this login is of UCabcdefghijklmnopqrstuv (Mine [31m), but the configuration names {CHANNEL}" in err
    assert not FILE.exists()
    script.say(Said(200, CODE), Said(200, TOKENS), Said(200, {"items": []}))
    assert run("login") == 1
    assert "this login has no channel; nothing was kept" in capfd.readouterr().err


def test_a_login_is_kept_although_the_channel_cannot_be_asked(
    script: Script, capfd: pytest.CaptureFixture[str]
) -> None:
    script.say(Said(200, CODE), Said(200, TOKENS), refusal(403, "quotaExceeded"))
    assert run("login") == 1
    assert "could not be asked: no quota is left today" in capfd.readouterr().err
    assert FILE.exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Said(403, {"error": "access_denied"}), "the login was declined"),
        (Said(400, {"error": "expired_token"}), "nobody has logged in in time"),
        (Said(401, {"error": "invalid_client"}), "Google does not know this client"),
        (Said(400, {"error": "something_new"}), "Google refuses: something_new"),
        (Said(200, {**TOKENS, "refresh_token": None}), "Google gave no lasting login"),
    ],
)
def test_what_may_come_of_it(script: Script, capfd: pytest.CaptureFixture[str], said: Said, words: str) -> None:
    script.say(Said(200, CODE), said, channel())
    assert run("login") == 1
    assert words in capfd.readouterr().err
    assert not FILE.exists()


def test_ctrl_c_ends_the_wait(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    script.say(Said(200, CODE), PENDING)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("supervisor.commands.youtube.time.sleep", interrupted)
    assert run("login") == 1
    assert not FILE.exists()


def test_by_a_browser(script: Script, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    script.say(Said(200, TOKENS), channel())
    threads: list[threading.Thread] = []
    show = youtube._show_address

    def browse(address: str) -> None:
        show(address)
        threads.append(
            threading.Thread(
                target=come_back,
                args=(
                    address,
                    [],
                ),
                kwargs={"code": "made-up-code"},
            )
        )
        threads[0].start()

    monkeypatch.setattr(youtube, "_show_address", browse)
    assert run("login", "--loopback") == 0
    threads[0].join(20)
    out = capfd.readouterr().out
    assert f"{script.url}/o/oauth2/v2/auth?" in out
    assert "made-up-code" not in out
    assert FILE.exists()


def test_logging_out_revokes(script: Script, capfd: pytest.CaptureFixture[str]) -> None:
    logged_in(script)
    script.say(Said(200, ""))
    assert run("logout") == 0
    assert (script.calls[-1].path, script.calls[-1].form) == ("/revoke", {"token": "1//made-up"})
    assert not FILE.exists()
    assert run("logout") == 0
    assert "nobody has logged in" in capfd.readouterr().out


def test_logging_out_without_google_says_what_is_left_to_do(script: Script, capfd: pytest.CaptureFixture[str]) -> None:
    logged_in(script)
    script.say(Said(503, ""))
    assert run("logout") == 1
    assert "https://myaccount.google.com/connections" in capfd.readouterr().err
    assert not FILE.exists()


def test_status(script: Script, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("status") == 1
    out, err = capfd.readouterr()
    assert "main: nobody has logged in; neverdark youtube login --account main" in err
    assert "none" in out
    logged_in(script)
    capfd.readouterr()
    script.say(Said(200, {"access_token": "ya29.2"}), channel())
    assert run("status", "--account", "main") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert CHANNEL in out
    assert "2 of 10000, new at " in out
    script.say(Said(200, {"access_token": "ya29.3"}), channel("UCabcdefghijklmnopqrstuv"))
    assert run("status") == 1
    out, err = capfd.readouterr()
    assert "not usable" in out
    assert f"but the configuration names {CHANNEL}" in err
    script.say(REFUSED)
    assert run("status") == 1
    out, err = capfd.readouterr()
    assert "refused" in out
    assert "the login was revoked, or has expired" in err
    assert "neverdark youtube login --account main" in err


def test_a_quota_that_youtube_calls_used_up_is_told_with_its_end(
    script: Script, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    logged_in(script)
    script.say(Said(200, {"access_token": "ya29.2"}), refusal(403, "quotaExceeded"))
    capfd.readouterr()
    assert run("status") == 1
    out, err = capfd.readouterr()
    assert "all 10000 used, as YouTube says (2 by neverdark), new at " in out
    assert "no quota is left today" in err


@pytest.mark.parametrize("action", ["login", "logout", "status"])
def test_an_account_that_is_none(script: Script, capfd: pytest.CaptureFixture[str], action: str) -> None:
    assert run(action, "--account", "other") == 2
    assert "there is no account other in youtube.accounts (main)" in capfd.readouterr().err
    assert script.calls == []


def test_streams_says_what_mends_a_login(script: Script, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("streams") == 1
    assert "nobody has logged in; neverdark youtube login --account main" in capfd.readouterr().err
    assert script.calls == []


def test_a_plan_tells_where_viewers_see_it_and_what_is_so_no_more(capfd: pytest.CaptureFixture[str]) -> None:
    row = {"stream": "cam", "destination": "yt", "words": {"trouble": "none", "page": "not_live"}, "plan": "nothing"}
    told = (
        {"address": "https://y/now", "former_address": None, "ended": None},
        {"address": None, "former_address": "https://y/then", "ended": "2026-03-01T12:00:00.000Z"},
        {"address": None, "former_address": "https://y/then", "ended": None},
        {"address": None},
    )

    class Api:
        def get(self, path: str) -> dict[str, object]:
            assert path == "/api/platforms"
            login = {"account": "main", "said": "good", "mend": "", "unasked": "no quota is left until 08:00 CET"}
            older = {"account": "old", "said": "good", "mend": ""}
            return {"platforms": [{**row, **one} for one in told], "logins": [login, older]}

    assert youtube_view.plan(cast("Any", Api()), None) == 0
    out, err = capfd.readouterr()
    assert err == "main: YouTube cannot be asked: no quota is left until 08:00 CET\n"
    first, second, third, last = [line for line in out.splitlines() if "cam:yt" in line]
    assert "page not live" in first
    assert "https://y/now" in first
    assert "none: ended at " in second
    assert "not known any more" in third
    assert last.rstrip().endswith("nothing")
