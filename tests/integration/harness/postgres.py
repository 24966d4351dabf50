"""A real PostgreSQL of the test's own: on a socket in a temporary directory, as a user who may be one."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from tests.integration.harness.waiting import STARTED, eventually

_USER = "nobody"  # PostgreSQL refuses to be root
_PATIENCE = 60  # only a hang takes so long


def _program(name: str) -> str:
    """Debian keeps them where no PATH leads, a folder for each version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name) or name


class PostgresServer:
    """Made when it is entered, gone when it is left; `stop` and `start` in between keep its data."""

    def __init__(self, password: str = "") -> None:
        self._password = password
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a socket's path has to be short
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam(_USER)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def __enter__(self) -> Self:
        try:
            self._run("initdb", "-D", str(self._data), "-U", "neverdark", "--auth=trust", "--no-sync", "-E", "UTF8")
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    @property
    def url(self) -> str:
        """Its one database, as a configuration has it."""
        return f"postgresql://neverdark:{self._password}@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.folder), "fsync": "off"}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", str(self._data), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **self._as,  # type: ignore[call-overload]
            )
        eventually(self._answers, STARTED, "PostgreSQL answers")

    def stop(self) -> None:
        """End it, and every connection to it."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # "fast": waits for no client
            self._process.wait(_PATIENCE)

    def empty(self) -> None:
        """As if nobody had ever used it, and nobody did: who is still connected would hold what is to go."""
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        alone = f"SELECT pg_terminate_backend(pid) {others}"
        words = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        subprocess.run(
            [_program("psql"), "-q", "-h", str(self.folder), "-U", "neverdark", "-c", alone, "-c", words, "postgres"],
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
        )

    def _answers(self) -> bool:
        asked = subprocess.run(
            [_program("pg_isready"), "-q", "-h", str(self.folder), "-d", "postgres"], check=False, timeout=_PATIENCE
        )
        return asked.returncode == 0

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [_program(program), *words],
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            cwd="/",
            **self._as,  # type: ignore[call-overload]
        )
