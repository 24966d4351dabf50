"""The platform's side: a real nginx-rtmp that tells who publishes, and cuts, refuses or goes away on demand."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import requests

from tests.integration.harness.waiting import STARTED, eventually, free_port

_NGINX = "/usr/sbin/nginx"
_CONFIG = """\
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
rtmp {{
  access_log {folder}/sessions.log;
  server {{
    listen {host}:{port};
    ping 10s;
    {on_publish}
    application live {{ live on; {idle} }}
  }}
}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {host}:{http};
    location /stat {{ rtmp_stat all; }}
    location /control {{ rtmp_control all; }}
  }}
}}
"""


class Publisher(NamedTuple):
    """A connection that publishes, as nginx-rtmp sees it."""

    client: str  # nginx' number of the connection: another one is another connection
    seconds: float  # how long it has been connected
    bytes_in: int
    timestamp: int  # ms, of the last frame


class Ingest:
    """nginx-rtmp with the application `live`, on ports of its own.

    `wrapper` is what it runs under, at `host`; it has to exec. `on_publish` is asked whether somebody may publish.
    Who has published nothing for `patience` seconds is cut off.
    """

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        *,
        wrapper: Sequence[str] = (),
        on_publish: str | None = None,
        patience: int | None = None,
    ) -> None:
        self.host = host
        self.port = free_port()
        self._wrapper = wrapper
        self._http = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        folder.mkdir()
        ask = f"on_publish {on_publish};" if on_publish else ""
        idle = f"drop_idle_publisher {patience}s;" if patience else ""
        text = _CONFIG.format(folder=folder, host=host, port=self.port, http=self._http, on_publish=ask, idle=idle)
        (folder / "nginx.conf").write_text(text)

    @property
    def url(self) -> str:
        return f"rtmp://{self.host}:{self.port}/live"

    def start(self) -> None:
        """Listen; after `stop` on the same port."""
        with (self._folder / "output").open("ab") as output:
            argv = [*self._wrapper, _NGINX, "-p", str(self._folder), "-c", str(self._folder / "nginx.conf")]
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        eventually(lambda: self.publishers() is not None, STARTED, "nginx-rtmp answers")

    def stop(self) -> None:
        """Close everything, as a server does that is being restarted."""
        if self._process:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def close(self) -> None:
        """For good."""
        self.stop()
        self._session.close()

    def publishers(self) -> dict[str, Publisher]:
        """Who publishes now, by stream key. Two on one key would be a broken nginx-rtmp: see `refused`."""
        answer = self._session.get(f"http://{self.host}:{self._http}/stat", timeout=5)
        found = {}
        for stream in ET.fromstring(answer.text).iter("stream"):  # noqa: S314 - our own nginx says so
            for client in stream.iter("client"):
                if client.find("publishing") is not None:
                    found[_text(stream, "name")] = Publisher(
                        _text(client, "id"),
                        int(_text(client, "time")) / 1000,
                        int(_text(stream, "bytes_in")),
                        int(_text(client, "timestamp")),
                    )
        return found

    def publisher(self, key: str) -> Publisher:
        """The one that publishes `key` now. Raises KeyError."""
        return self.publishers()[key]

    def receives(self, key: str) -> bool:
        """Whether `key` is published and bytes have come."""
        return self.publisher(key).bytes_in > 0

    def drop_publisher(self, key: str) -> None:
        """Cut the connection that publishes `key`."""
        answer = self._session.get(
            f"http://{self.host}:{self._http}/control/drop/publisher",
            params={"app": "live", "name": key},
            timeout=5,
        )
        assert answer.text.strip() == "1", f"nginx-rtmp dropped {answer.text!r} publishers"

    def refused(self) -> int:
        """How many publishers came to a key that had one already."""
        return (self._folder / "error.log").read_text(errors="replace").count("already publishing")


def _text(element: ET.Element, tag: str) -> str:
    return element.findtext(tag) or ""
