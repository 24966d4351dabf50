"""The commands: exit codes, what goes where, and no traceback whatever is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from supervisor import __version__, cli
from supervisor.commands.api import connect
from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.machine.data_dir import DataDir
from supervisor.preflight.preflight import find_ffmpeg, preflight

GOOD = "streams: {a: {command: [sleep, 60]}}"
WRONG = "lisen: x\nstreams: {a: {command: [], enabled: 7}}"
CLIENTS = [["incidents"], ["reload"], ["status"], ["start", "a"], ["stop", "a"], ["restart", "a"], ["logs", "a"]]
CLIENTS += [["stop", "a", "--until", "2h"], ["maintenance"], ["maintenance", "a", "--for", "1h"]]
CLIENTS += [["maintenance", "a", "--end"]]


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
    monkeypatch.setattr(cli, "CONFIG_FILES", (hidden,))
    assert cli.main(["check"]) == 2
    assert capfd.readouterr().err == f"{hidden}: cannot be read: File name too long\n"


@pytest.mark.parametrize("argv", CLIENTS, ids=lambda argv: argv[0])
def test_a_client_needs_no_configuration_that_it_may_read(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A service's is closed to everybody else."""
    monkeypatch.setattr(cli, "CONFIG_FILES", (Path("x" * 300) / "neverdark.yml",))
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
    held = DataDir(tmp_path / "neverdark-data")
    try:
        assert cli.main(["run", "-c", config(GOOD)]) == 1
    finally:
        held.close()
    assert "another neverdark is running" in capfd.readouterr().err


# --- words that are not known ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["stattus"], "; did you mean status?"),
        (["--verison"], "unrecognized arguments: --verison; did you mean --version?"),
        (["status", "--jsn"], "unrecognized arguments: --jsn; did you mean --json?"),
        (["-c", "x.yml", "check"], "unrecognized arguments: -c; it stands behind the command"),
        (["logs", "a", "--role", "pushr"], "; did you mean pusher?"),
        (["help", "chek"], "; did you mean check?"),
    ],
)
def test_a_misspelt_word_is_told_which_one_is_meant(
    argv: list[str], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(argv)
    assert ended.value.code == 2
    assert capfd.readouterr().err.rstrip().endswith(says)


def test_help_and_version_are_commands_too(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"]) == 0
    assert capfd.readouterr().out == f"neverdark {__version__}\n"
    for argv, usage in ((["help"], "usage: neverdark [-h]"), (["help", "stop"], "usage: neverdark stop [-h]")):
        assert cli.main(argv) == 0
        out = capfd.readouterr().out
        assert out.startswith(usage)
        assert "ends with: 0 done · 1 failed" in out
        assert "NEVERDARK_API_TOKEN" in out


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_what_the_terminal_has_no_sign_for_is_spelt_out(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "caf\u00e9-\N{MOVIE CAMERA}.yml"
    file.write_text(GOOD)
    environment = {
        "PYTHONIOENCODING": encoding,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(cli.__file__).parents[1]),
    }
    argv = [sys.executable, "-X", "utf8=0", "-m", "supervisor", "check", "-c", str(file)]
    done = subprocess.run(argv, env=environment, capture_output=True, timeout=60, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 0
    assert b".yml: good (1 stream, " in done.stdout
    signs = {"latin-1": b"caf\xe9-\\ud83c\\udfa5.yml: ", "ascii": b"caf\\u00e9-\\ud83c\\udfa5.yml: "}
    assert signs[encoding] in done.stdout, "as JSON spells it: a program may read this"


# --- what a valid configuration is warned of -------------------------------------------------------


def test_warnings_are_counted_and_count_as_mistakes_only_if_asked_to(capfd: pytest.CaptureFixture[str]) -> None:
    file = config("streams: {a: {command: [/nope/x], stall: {timeout: 10ms}, enabled: no}}")
    assert cli.main(["check", "-c", file]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("c.yml: good (1 stream, FFmpeg ")
    assert out.endswith("), with 4 warnings\n")
    assert err.count("c.yml: warning: ") == 4
    assert cli.main(["check", "--strict", "-c", file]) == 2
    assert cli.main(["check", "--strict", "-c", config("streams: {a: {command: [sleep, '{progress}']}}")]) == 0


def test_a_file_that_wants_no_streams_is_good_and_warned_of(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "-c", config("streams: {}")]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("c.yml: good (0 streams, FFmpeg ")
    assert out.endswith("), with 1 warning\n")
    assert err == "c.yml: warning: streams: none is wanted, so nothing will be on air\n"


DEAD = """
streams:
  a: {source: {url: testsrc2, format: lavfii}, destinations: {d: {url: x.flv}}}
  b: {source: {url: testsrc2, format: lavfi}, video: {preset: ultrafastt}, destinations: {d: {url: y.flv}}}
  c: {command: [ffmpegg-x]}
"""


def test_one_streams_mistake_is_refused_but_keeps_no_other_from_starting(capfd: pytest.CaptureFixture[str]) -> None:
    file = Path(config(DEAD))
    assert cli.main(["check", "-c", str(file)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    mistakes = [line for line in err.splitlines() if ": warning: " not in line]
    assert [line.split(": ")[1] for line in mistakes] == [
        "streams.b.video.preset",
        "streams.a.source.format",
        "streams.c.command[0]",
    ]
    assert mistakes[0] == "c.yml: streams.b.video.preset: 'ultrafastt': did you mean ultrafast?"
    assert mistakes[1].endswith("; did you mean lavfi?")
    loaded = load(file)
    binary = find_ffmpeg(loaded, file)
    with pytest.raises(ConfigError, match="ultrafastt"):
        preflight(loaded, binary, file)
    started = "\n".join(map(str, preflight(loaded, binary, file, starting=True)))
    assert "streams.b.video.preset: 'ultrafastt': did you mean ultrafast?" in started
    assert "streams.c.command[0]: expected a program that PATH knows" in started


@pytest.mark.parametrize("preset", ["veryfast", "VeryFast", "0", "9"])
def test_presets_that_x264_knows(preset: str) -> None:
    source = "source: {url: testsrc2, format: lavfi}, destinations: {d: {url: y.flv}}"
    file = Path(config(f"streams: {{a: {{{source}, video: {{preset: '{preset}'}}}}}}"))
    loaded = load(file)
    preflight(loaded, find_ffmpeg(loaded, file), file)
    assert loaded.config.streams["a"].video.preset == preset


def test_check_warns_and_the_configuration_is_good_all_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    file = Path(config("streams: {a: {source: {url: x.mp4}, destinations: {d: {url: 'rtmp://h/live', key: abcd}}}}"))
    file.chmod(0o644)
    assert cli.main(["check", "-c", str(file)]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("c.yml: good (1 stream, ")
    assert err.startswith(f"c.yml: warning: {file.absolute()}: other users can read the secret in it: chmod 600 ")


def test_check_says_what_on_air_will_mean_for_a_mute_command(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "-c", config(GOOD)]) == 0
    assert "c.yml: warning: streams.a.command: without {progress} and" in capfd.readouterr().err


@pytest.mark.parametrize("content", ["", "# nothing but this\n", "listen: 127.0.0.1:9833\n", "streams:\n"])
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_file_that_lost_its_streams_is_refused(command: str, content: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main([command, "-c", config(content)]) == 2
    assert "streams: {} says that none are wanted" in capfd.readouterr().err


# --- orders ----------------------------------------------------------------------------------------


def test_orders_take_several_streams_and_a_misspelt_one_stops_all(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    Neverdark.answer = (200, {"streams": [{"stream": "ch09"}, {"stream": "ch10"}]})
    url = ["--url", f"http://127.0.0.1:{port}"]
    assert cli.main(["restart", "ch09", "ch10", *url]) == 0
    assert capfd.readouterr().out == "ch09: restart accepted\nch10: restart accepted\n"
    Neverdark.heard.clear()
    assert cli.main(["restart", "ch09", "ch1O", *url]) == 1
    assert capfd.readouterr() == ("", "neverdark: there is no such stream: ch1O; did you mean ch10?\n")
    assert [method for method, *_ in Neverdark.heard] == ["GET"]
    assert cli.main(["stop", "nope", "ch09", *url]) == 1
    assert capfd.readouterr().err == "neverdark: there is no such stream: nope; there are ch09, ch10\n"


def test_an_order_without_a_token_names_the_variable(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    Neverdark.answer = (401, {"detail": "a bearer token is needed"})
    assert cli.main(["stop", "a", "--url", f"http://127.0.0.1:{port}"]) == 1
    assert "set NEVERDARK_API_TOKEN" in capfd.readouterr().err


# --- whom the token is shown to --------------------------------------------------------------------


class Neverdark(BaseHTTPRequestHandler):
    """Takes every order, remembers who said what, and answers as it is told."""

    heard: ClassVar[list[tuple[str, str, str | None]]] = []
    answer: ClassVar[tuple[int, dict[str, object]]] = (200, {})

    def do_GET(self) -> None:
        self.heard.append((self.command, self.path, self.headers["Authorization"]))
        status, content = self.answer
        body = json.dumps(content).encode()
        self.send_response(status)
        if status == 307:
            self.send_header("Location", str(content["to"]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET  # noqa: N815 - the names that http.server asks for

    def log_message(self, *words: object) -> None:
        """Nobody wants to know."""


WINDOW = {
    "id": "M1",
    "streams": ["a"],
    "since": "2026-01-01T00:00:00Z",
    "until": "2026-01-01T01:00:00Z",
    "reason": None,
    "origin": "operator",
}
LOGGED = {"role": "encoder", "destination": None, "last_failure": None}


@pytest.fixture
def port() -> Iterator[int]:
    Neverdark.heard.clear()
    Neverdark.answer = (
        200,
        {"streams": [], "incidents": [], "processes": [LOGGED], "lines": [], "next": "", "warnings": [], "changes": {}},
    )
    with HTTPServer(("127.0.0.1", 0), Neverdark) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


TOKEN = "a-token-of-the-file"


def told(*words: str) -> list[str | None]:
    """What a command told the server as its authorization, request by request."""
    Neverdark.heard.clear()
    cli.main(list(words))
    return [authorization for _, _, authorization in Neverdark.heard]


def test_the_token_goes_with_orders_and_not_with_questions(port: int) -> None:
    file = config(f"listen: 127.0.0.1:{port}\napi_token: {TOKEN}\nstreams: {{}}")
    for order in (["start", "a"], ["stop", "a"], ["restart", "a"], ["reload"]):
        assert told(*order, "-c", file) == [f"Bearer {TOKEN}"], order
    Neverdark.answer = (200, WINDOW | {"maintenance": [WINDOW]})
    assert told("maintenance", "a", "--for", "1h", "-c", file) == [f"Bearer {TOKEN}"]
    assert told("maintenance", "-c", file) == [None]
    assert told("maintenance", "a", "--end", "-c", file) == [None, f"Bearer {TOKEN}"]
    Neverdark.answer = (200, {"streams": [], "incidents": [], "processes": [LOGGED], "lines": [], "next": ""})
    assert set(told("status", "-c", file)) == {None}
    assert set(told("logs", "a", "-c", file)) == {None}
    assert told("stop", "a", "-c", file, "--url", f"http://127.0.0.1:{port}/") == [f"Bearer {TOKEN}"]


def test_the_token_of_a_file_goes_to_no_other_address(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    file = config(f"listen: 127.0.0.1:1\napi_token: {TOKEN}\nstreams: {{}}")
    url = f"http://127.0.0.1:{port}"
    assert told("stop", "a", "-c", file, "--url", url) == [None]
    monkeypatch.setenv("NEVERDARK_URL", url)
    assert told("stop", "a", "-c", file) == [None]
    monkeypatch.setenv("NEVERDARK_API_TOKEN", "set-on-purpose")
    assert told("stop", "a", "-c", file) == ["Bearer set-on-purpose"]
    assert set(told("status", "-c", file)) == {None}


def test_the_token_goes_only_to_the_address_of_its_own_file(port: int) -> None:
    """Of two files that may be meant, one says where neverdark listens and the other has a token."""
    Path("neverdark.yml").write_text(f"listen: 127.0.0.1:{port}\nstreams: {{}}")
    other = Path(config(f"listen: 127.0.0.1:1\napi_token: {TOKEN}\nstreams: {{}}"))
    api = connect(None, (Path("neverdark.yml"), other))
    api.post("/api/streams/a/stop")
    assert [authorization for _, _, authorization in Neverdark.heard] == [None]


def test_the_token_is_not_taken_along_to_where_an_answer_points(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    file = config(f"listen: 127.0.0.1:{port}\napi_token: {TOKEN}\nstreams: {{}}")
    Neverdark.answer = (307, {"to": f"http://127.0.0.1:{port}/elsewhere"})
    assert told("stop", "a", "-c", file) == [f"Bearer {TOKEN}"]
    assert [path for _, path, _ in Neverdark.heard] == ["/api/streams/a/stop"]
    assert "answers 307" in capfd.readouterr().err


def test_a_token_that_is_needed_is_asked_for_in_words(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    Neverdark.answer = (401, {"detail": "a bearer token is needed"})
    own = config(f"listen: 127.0.0.1:{port}\nstreams: {{}}")
    assert cli.main(["stop", "a", "-c", own]) == 1
    said = capfd.readouterr().err
    assert said == (
        "neverdark: a bearer token is needed; name the configuration that has it (-c), or set NEVERDARK_API_TOKEN\n"
    )
    other = config(f"listen: 127.0.0.1:1\napi_token: {TOKEN}\nstreams: {{}}")
    assert cli.main(["stop", "a", "-c", other, "--url", f"http://127.0.0.1:{port}"]) == 1
    assert capfd.readouterr().err == (
        "neverdark: a bearer token is needed; a configuration's token goes only to the address that it names: "
        "set NEVERDARK_API_TOKEN for another\n"
    )


@pytest.mark.parametrize("written", ["12345678", "${MY_TOKEN}", "'12345678'"])
def test_the_token_is_what_neverdark_reads_it_as(port: int, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("MY_TOKEN", "12345678")
    file = config(f"listen: 127.0.0.1:{port}\napi_token: {written}\nstreams: {{}}")
    assert told("stop", "a", "-c", file) == ["Bearer 12345678"]


# --- reload ----------------------------------------------------------------------------------------


def test_reload_prints_what_changed(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    url = ["--url", f"http://127.0.0.1:{port}"]
    changes = {"added": ["new"], "removed": [], "changed": ["a", "b"], "need_restart": ["listen"]}
    Neverdark.answer = (200, {"changes": changes, "warnings": ["key: open"]})
    assert cli.main(["reload", *url]) == 0
    out, err = capfd.readouterr()
    assert out.splitlines() == [
        "configuration reloaded: added new; changed a, b",
        "takes effect only when neverdark is started anew: listen",
    ]
    assert err == "warning: key: open\n"
    Neverdark.answer = (200, {"changes": {key: [] for key in changes}, "warnings": []})
    assert cli.main(["reload", "--allow-removal", *url]) == 0
    assert capfd.readouterr().out == "configuration reloaded: no stream changed\n"
    assert [path for _, path, _ in Neverdark.heard] == [
        "/api/config/reload?allow_removal=false",
        "/api/config/reload?allow_removal=true",
    ]


def test_reload_prints_why_it_was_rejected(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    Neverdark.answer = (409, {"detail": "configuration rejected", "problems": ["a: wrong", "b: wrong"]})
    assert cli.main(["reload", "--url", f"http://127.0.0.1:{port}"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines() == ["neverdark: configuration rejected", "a: wrong", "b: wrong"]


# --- status ----------------------------------------------------------------------------------------


def test_status_ends_with_3_while_a_wanted_stream_is_off_air(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    url = ["--url", f"http://127.0.0.1:{port}"]
    shown = {"stream": "a", "wanted": True, "on_air": False, "verified": True, "health": "unhealthy", "since": None}
    dark = shown | {"reason": "encoder: backoff", "processes": [], "destinations": []}
    Neverdark.answer = (200, {"streams": [dark], "incidents": []})
    assert cli.main(["status", *url]) == 3
    assert capfd.readouterr().out.startswith("0 of 1 wanted stream on air; a off air")
    assert cli.main(["status", "--json", *url]) == 0, "a program reads what it was told"
    assert json.loads(capfd.readouterr().out)["streams"] == [dark]
    for changed in ({"on_air": True, "health": "degraded"}, {"wanted": False}):
        Neverdark.answer = (200, {"streams": [dark | changed], "incidents": []})
        assert cli.main(["status", *url]) == 0
