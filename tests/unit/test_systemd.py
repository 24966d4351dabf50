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

from supervisor import cli
from supervisor.commands import install_service
from supervisor.commands.service_unit import CONFIG, PROGRAM, USER, is_as_written, sealed, unit
from supervisor.config.file import load
from supervisor.config.shape import Config

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deploy" / "systemd"
UNIT = HERE / "neverdark.service"
README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_EXPOSED = 2.0  # of 10, as systemd-analyze counts; a service without any line has 9.6
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


def exposure(unit: Path) -> float:
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found, said
    return float(found[1])


def test_it_is_exposed_as_little_as_its_work_allows(tmp_path: Path) -> None:
    assert exposure(UNIT) <= MOST_EXPOSED
    assert exposure(installed(tmp_path, "devices.conf")) <= MOST_EXPOSED + 1
    weaker = tmp_path / "weaker" / UNIT.name
    weaker.parent.mkdir()
    weaker.write_text(UNIT.read_text().replace("NoNewPrivileges=yes\n", "").replace("ProtectSystem=strict\n", ""))
    assert exposure(weaker) > MOST_EXPOSED, "a line that is lost would be seen"


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


# --- neverdark install-service -----------------------------------------------------------------------


TMP = Path("/", "tmp")  # of which the service has another one
TEMPLATE = UNIT.read_text(encoding="utf-8")


def made(program: str = PROGRAM, config: str = CONFIG, user: str = USER, **credentials: str) -> str:
    named = {name: Path(path) for name, path in credentials.items()}
    return unit(TEMPLATE, [program], Path(config), user, named, user)


def test_for_the_usual_paths_it_is_the_file_in_deploy() -> None:
    assert made() == TEMPLATE


def test_it_is_made_for_the_paths_at_hand(tmp_path: Path) -> None:
    program = tmp_path / "my programs" / 'never"dark$'
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    text = unit(TEMPLATE, ["/x/py", "-m", "supervisor"], Path("/srv/a b/100%.yml".replace(" ", "-")), "cam", {}, "cams")
    assert 'ExecStart=/x/py -m supervisor run -c "/srv/a-b/100%%.yml"' in text
    assert "\nUser=cam\nGroup=cams\n" in text
    assert "EnvironmentFile=-/srv/a-b/neverdark.env" in text
    assert PROGRAM not in text
    assert CONFIG not in text
    awkward = made('/srv/my programs/never"dark$', "/srv/my cams.yml", yt="/etc/keys/yt")
    assert 'ExecStart="/srv/my programs/never\\"dark$$" run -c "/srv/my cams.yml"' in awkward
    assert "\nLoadCredential=yt:/etc/keys/yt\n" in awkward
    assert "ProtectHome=read-only" in made(config="/home/anna/neverdark.yml")
    assert "ProtectHome=yes" in awkward


def test_systemd_takes_what_is_made(tmp_path: Path) -> None:
    file = tmp_path / UNIT.name
    file.write_text(sealed(made("/bin/sh", "/srv/100% mine/a.yml".replace(" ", "-"), "root", yt="/etc/hostname")))
    assert "neverdark" not in run("systemd-analyze", "verify", "--man=no", file)


@pytest.mark.parametrize(
    ("program", "config", "credentials"),
    [
        (PROGRAM, "neverdark.yml", {}),
        (PROGRAM, "/etc/a\nb.yml", {}),
        (PROGRAM, f"{TMP}/neverdark.yml", {}),
        (f"{TMP}/venv/bin/neverdark", CONFIG, {}),
        (PROGRAM, CONFIG, {"a/b": "/etc/key"}),
        (PROGRAM, CONFIG, {"a": "/etc/my key"}),
        (PROGRAM, CONFIG, {"a": "key"}),
        (PROGRAM, "/etc/my cams/neverdark.yml", {}),
    ],
)
def test_what_no_unit_can_have_is_refused(program: str, config: str, credentials: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        made(program, config, **credentials)


def test_what_somebody_has_changed_stays(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install_service, "_program", lambda: [PROGRAM])  # this one may be where no service can see it
    file = tmp_path / UNIT.name
    where = ["install-service", "--directory", str(tmp_path)]
    assert cli.main([*where, "--print"]) == 0
    printed = capfd.readouterr().out
    assert is_as_written(printed)
    assert not file.exists()
    assert cli.main(where) == 0
    assert file.read_text() == printed
    assert "systemctl daemon-reload" in capfd.readouterr().out
    assert cli.main(where) == 0, "there is nothing to do"
    assert cli.main([*where, "--user", "nobody", "--credential", "yt:/etc/keys/yt"]) == 0, "ours, of another time"
    assert "\nUser=nobody\n" in file.read_text()
    capfd.readouterr()
    changed = file.read_text().replace("TimeoutStopSec=30", "TimeoutStopSec=90")
    file.write_text(changed)
    assert cli.main(where) == 1
    assert "--force" in capfd.readouterr().err
    assert file.read_text() == changed
    assert cli.main([*where, "--force"]) == 0
    assert file.read_text() == printed
    assert [left.name for left in tmp_path.iterdir()] == [UNIT.name]
    capfd.readouterr()
    assert cli.main([*where, "-c", f"{TMP}/neverdark.yml"]) == 2
    assert cli.main(["install-service", "--directory", str(tmp_path / "nowhere")]) == 1
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 2)


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
    stop = Config.model_fields["defaults"].get_default(call_default_factory=True).stop
    assert int(SERVICE["TimeoutStopSec"]) >= 3 * stop.kill  # the pushers', the encoder's, and what else there is
    assert SERVICE["ExecReload"] == "/bin/kill -HUP $MAINPID"


def test_a_neverdark_that_dies_takes_no_stream_with_it_and_a_stop_leaves_none() -> None:
    assert (SERVICE["KillMode"], SERVICE["RestartKillSignal"]) == ("process", "SIGUSR2")
    assert SERVICE["ExecStopPost"].startswith("-/opt/neverdark/bin/neverdark end-leftovers --after-service-stop ")


def test_one_that_hangs_is_noticed() -> None:
    assert SERVICE["Type"] == "notify"
    assert 10 <= int(SERVICE["WatchdogSec"]) <= 60, "seconds; a busy machine needs some, and nobody wants to wait"
    assert "NotifyAccess" not in SERVICE, "a child's word counts for nothing"


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
        ("AmbientCapabilities", ""),
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
