"""A real Prometheus, as a process."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Self

import requests
import yaml

from tests.integration.harness.recipes import Json
from tests.integration.harness.waiting import STARTED, eventually


class Prometheus:
    """A real Prometheus on a configuration."""

    def __init__(self, room: Path, port: int, config: Json) -> None:
        self.port = port
        self._room = room
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        room.mkdir()
        (room / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def __enter__(self) -> Self:
        command = ["prometheus", f"--config.file={self._room / 'prometheus.yml'}"]
        command += [f"--storage.tsdb.path={self._room / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}"]
        with (self._room / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            eventually(lambda: self._get("/-/ready").ok, STARTED, f"Prometheus ready; see {self._room}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()  # its data are nobody's
        self._process.wait()
        self._session.close()

    def ask(self, query: str) -> list[Json]:
        """The series that a query finds."""
        answer = self._get("/api/v1/query", query=query)
        assert answer.ok, answer.text
        found: list[Json] = answer.json()["data"]["result"]
        return found

    def _get(self, path: str, **parameters: str) -> requests.Response:
        return self._session.get(f"http://127.0.0.1:{self.port}{path}", params=parameters, timeout=5)
