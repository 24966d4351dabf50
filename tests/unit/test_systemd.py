"""deploy/systemd: the unit, held against systemd's own programs and against what neverdark and README.md say.

No systemd runs here. One did when the unit was made: docs/tested-versions.md.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.config.shape import Config

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deploy" / "systemd"
UNIT = HERE / "neverdark.service"
README = (ROOT / "README.md").read_text(encoding="utf-8")
OWN_README = (HERE / "README.md").read_text(encoding="utf-8")


def settings(file: Path) -> dict[str, dict[str, str]]:
    """Section → key → value; each key stands there once."""
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            section = found.setdefault(heading[1], {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            assert key not in section, key
            section[key] = value
    return found


SETTINGS = settings(UNIT)
UNIT_SECTION, SERVICE = SETTINGS["Unit"], SETTINGS["Service"]


def run(*command: object, good: bool = True) -> str:
    done = subprocess.run(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
        env={"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "SYSTEMD_LOG_LEVEL": "notice"},
    )
    assert done.returncode == 0 or not good, done.stdout
    return done.stdout


# --- systemd's own programs --------------------------------------------------------------------------


def installed(tmp_path: Path, *drop_ins: str) -> Path:
    """The unit in a directory of units, with a program that is there on this machine."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/neverdark/bin/neverdark", sys.executable))
    for name in drop_ins:
        folder = tmp_path / f"{UNIT.name}.d"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text((HERE / name).read_text())
    return unit


@pytest.mark.parametrize("drop_ins", [(), ("devices.conf",)], ids=["alone", "devices"])
def test_systemd_finds_nothing_wrong(tmp_path: Path, drop_ins: tuple[str, ...]) -> None:
    assert "neverdark" not in run("systemd-analyze", "verify", "--man=no", installed(tmp_path, *drop_ins))


def test_a_mistake_would_be_found(tmp_path: Path) -> None:
    unit = installed(tmp_path)
    unit.write_text(unit.read_text().replace("OOMPolicy=continue", "OOMPolicy=go on\nOOMPolicies=continue"))
    said = run("systemd-analyze", "verify", "--man=no", unit, good=False)  # only some versions take it for an error
    assert "neverdark.service" in said
    assert "OOMPolicies" in said


def test_it_is_started_at_each_boot_once_it_is_enabled(tmp_path: Path) -> None:
    units = tmp_path / "etc" / "systemd" / "system"
    units.mkdir(parents=True)
    (units / UNIT.name).write_text(UNIT.read_text())
    run("systemctl", f"--root={tmp_path}", "enable", UNIT.name)
    assert (units / "multi-user.target.wants" / UNIT.name).is_symlink()


def test_the_user_is_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tmp_path / "etc" / "group").write_text("root:x:0:\n")
    run("systemd-sysusers", f"--root={tmp_path}", HERE / "sysusers.conf")
    assert re.search(
        rf"^{SERVICE['User']}:x:\d+:\d+:neverdark:{SERVICE['WorkingDirectory']}:\S*nologin$",
        (tmp_path / "etc" / "passwd").read_text(),
        re.MULTILINE,
    )
    assert re.search(rf"^{SERVICE['Group']}:x:\d+:", (tmp_path / "etc" / "group").read_text(), re.MULTILINE)


# --- each line that matters ----------------------------------------------------------------------------


def test_it_comes_up_however_late_what_it_needs_is_there() -> None:
    assert UNIT_SECTION["StartLimitIntervalSec"] == "0", "else five quick failures at a boot are the end"
    assert (SERVICE["Restart"], SERVICE["RestartSec"]) == ("always", "2")
    assert "RestartPreventExitStatus" not in SERVICE
    for order in ("Wants", "After"):
        assert "network-online.target" in UNIT_SECTION[order].split()
    assert SERVICE["EnvironmentFile"].startswith("-"), "a file that is not there is no reason not to start"


def test_one_process_out_of_memory_is_one_process() -> None:
    assert SERVICE["OOMPolicy"] == "continue"


def test_a_stop_is_in_order_and_has_the_time_for_it() -> None:
    assert SERVICE["KillMode"] == "mixed"
    stop = Config.model_fields["defaults"].get_default(call_default_factory=True).stop
    assert int(SERVICE["TimeoutStopSec"]) >= 3 * stop.kill  # the pushers', the encoder's, and what else there is
    assert SERVICE["ExecReload"] == "/bin/kill -HUP $MAINPID"


def test_it_has_files_and_threads_enough_for_a_rack() -> None:
    assert int(SERVICE["LimitNOFILE"]) >= 65536
    assert int(SERVICE["TasksMax"]) >= 32768


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("User", "neverdark"),
        ("UMask", "0077"),
        ("LimitCORE", "0"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("ProtectProc", "invisible"),
    ],
)
def test_it_has_no_right_that_it_does_not_need(key: str, value: str) -> None:
    assert SERVICE[key] == value


def test_it_keeps_what_it_needs() -> None:
    assert "ProcSubset" not in SERVICE, "/proc/net tells of lost datagrams"
    assert {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"} == set(SERVICE["RestrictAddressFamilies"].split())
    assert "MemoryDenyWriteExecute" not in SERVICE, "drivers of graphics cards make code"


def test_what_it_writes_is_where_it_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, value = SERVICE["Environment"].partition("=")
    monkeypatch.setenv(name, value)
    file = tmp_path / "neverdark.yml"
    file.write_text("data_dir: ./elsewhere\nstreams: {a: {command: [sleep, 60]}}\n")
    assert load(file).config.data_dir == Path("/var/lib") / SERVICE["StateDirectory"]
    assert SERVICE["WorkingDirectory"] == value


def test_devices_can_be_opened() -> None:
    assert settings(HERE / "devices.conf")["Service"] == {
        "PrivateDevices": "no",
        "SupplementaryGroups": "video render audio",
    }


# --- what is said about it -----------------------------------------------------------------------------


def test_it_starts_what_readme_installs() -> None:
    program, *arguments = SERVICE["ExecStart"].split()
    assert arguments == ["run", "-c", "/etc/neverdark/neverdark.yml"]
    assert f"{Path(program).parent}/pip install" in README
    assert f"{program} check -c /etc/neverdark/neverdark.yml" in OWN_README
    assert f"EnvironmentFile={SERVICE['EnvironmentFile']}" in OWN_README


def test_every_file_is_named_and_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"deploy/systemd/([\w.]+)", README + OWN_README))
    assert all((HERE / name).is_file() for name in named)
    assert {file.name for file in HERE.iterdir()} == named


def test_the_example_of_variables_sets_none() -> None:
    lines = (HERE / "neverdark.env").read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("#") for line in lines)
    assert any(re.fullmatch(r"#CAM_PASSWORD='.*'", line) for line in lines)
