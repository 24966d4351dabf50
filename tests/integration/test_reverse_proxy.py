"""Behind a real nginx, with the settings of docs/reverse-proxy.md, and with those that people have without them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import secret
from tests.integration.harness.supervised import REPOSITORY, Neverdark
from tests.integration.harness.waiting import SLACK, STARTED, eventually, free_port

_NGINX = "/usr/sbin/nginx"
_CONFIG = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    {location}
  }}
}}
"""
_DEFAULT = "location / { proxy_pass http://127.0.0.1:9833; }"
_COMMAND = {"mine": {"command": ["sleep", "1000"]}}
_NAME = "cams.example"  # what the browser's address line says

Proxy = Callable[[Neverdark, str], int]


def documented() -> str:
    """The location block of the page."""
    found = re.search(r"```nginx\n(.*?)```", (REPOSITORY / "docs/reverse-proxy.md").read_text(), re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """`proxy(neverdark, location)` starts an nginx before it; returns its port."""
    with ExitStack() as stack:

        def start(running: Neverdark, location: str) -> int:
            folder, port = tmp_path / "proxy", free_port()
            folder.mkdir()
            own = location.replace("127.0.0.1:9833", f"127.0.0.1:{running.port}")
            (folder / "nginx.conf").write_text(_CONFIG.format(folder=folder, port=port, location=own))
            argv = [_NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
            with (folder / "output").open("ab") as output:
                process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            stack.callback(process.wait, 10)
            stack.callback(process.terminate)
            eventually(lambda: ask(port, "GET", "/").status_code, STARTED, "nginx answers")
            return port

        yield start


def ask(port: int, method: str, path: str, token: str | None = None, **headers: str) -> requests.Response:
    """As a browser would whose address line says `cams.example` and the proxy's port."""
    named = {"Host": f"{_NAME}:{port}"} | headers
    if token:
        named["Authorization"] = f"Bearer {token}"
    return requests.request(method, f"http://127.0.0.1:{port}{path}", headers=named, timeout=5)


def test_the_documented_settings_give_a_page_that_reads_and_orders(neverdark: Launch, proxy: Proxy) -> None:
    token = secret("token")
    running = neverdark(_COMMAND, api_token=token)
    running.wait_on_air()
    port = proxy(running, documented())
    base = "/neverdark/"

    page = ask(port, "GET", base)
    assert page.ok
    files = [path for path in re.findall(r'(?:href|src)="([^"#]+)"', page.text) if path.startswith("web/")]
    assert len(files) >= 3
    for path in [*files, "web/ask.js", "docs", "openapi.json", "healthz", "metrics"]:
        assert ask(port, "GET", urljoin(base, path)).ok, path
    assert ask(port, "GET", "/neverdark/api/streams").status_code == 401
    assert ask(port, "GET", "/neverdark/api/streams", secret("guess")).status_code == 401
    assert ask(port, "GET", "/neverdark/api/streams", token).json()["streams"][0]["stream"] == "mine"

    origin = f"http://{_NAME}:{port}"
    stop = "/neverdark/api/streams/mine/stop"
    assert ask(port, "POST", stop, Origin=origin).status_code == 401
    assert ask(port, "POST", stop, token, Origin="http://evil.example").status_code == 403
    assert ask(port, "POST", stop, token, Origin=origin).status_code == 202
    eventually(lambda: running.one("mine", "command")["state"] == "stopped", 3 + SLACK, "stopped")


@pytest.mark.parametrize("location", [_DEFAULT, None], ids=["default", "documented"])
def test_without_a_token_a_proxy_hands_on_no_orders(neverdark: Launch, proxy: Proxy, location: str | None) -> None:
    running = neverdark(_COMMAND)
    running.wait_on_air()
    port = proxy(running, location or documented())
    base = "" if location else "/neverdark"
    for headers in ({}, {"X-Forwarded-For": "203.0.113.7"}, {"Host": "localhost"}):
        refused = ask(port, "POST", f"{base}/api/streams/mine/stop", **headers)
        assert refused.status_code == 403
        assert "api_token_file" in refused.json()["detail"]
    assert running.stream("mine")["wanted"]
    assert running.post("/api/streams/mine/stop").status_code == 202, "but this machine gives them"


def test_a_proxy_that_does_not_pass_the_host_on_is_told_so(neverdark: Launch, proxy: Proxy) -> None:
    token = secret("token")
    running = neverdark(_COMMAND, api_token=token)
    port = proxy(running, _DEFAULT)
    refused = ask(port, "POST", "/api/streams/mine/stop", token, Origin=f"http://{_NAME}:{port}")
    assert refused.status_code == 403
    assert "proxy_set_header Host $http_host" in refused.json()["detail"]
    assert ask(port, "GET", "/api/streams").ok, "reading works: the proxy speaks under our own name"


def test_a_proxy_may_bring_the_token_itself(neverdark: Launch, proxy: Proxy) -> None:
    token = secret("token")
    running = neverdark(_COMMAND, api_token=token)
    running.wait_on_air()
    port = proxy(running, documented().replace("}", f'proxy_set_header Authorization "Bearer {token}";\n}}'))
    listed = ask(port, "GET", "/neverdark/api/streams")
    assert listed.ok
    assert listed.json()["token_required"] is False
    stop = "/neverdark/api/streams/mine/stop"
    assert ask(port, "POST", stop, Origin="http://evil.example").status_code == 403
    assert ask(port, "POST", stop, Origin=f"http://{_NAME}:{port}").status_code == 202
