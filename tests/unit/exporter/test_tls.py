"""By TLS: real connections, certificates that are replaced, and clients that break off."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from exporter.certificate import Certificate
from supervisor.commands.api import Api, ApiError
from supervisor.config.tls import own_certificate
from tests.integration.harness.waiting import eventually
from tests.unit.certificates import Authority
from tests.unit.exporter.conftest import PATIENCE, Client, Serve
from tests.unit.exporter.snapshots import FakeControl, command, snapshot


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


class Files:
    """What `tls` names."""

    def __init__(self, folder: Path) -> None:
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"

    def replace(self, *by: Path) -> None:
        """One after the other, as certbot's links are."""
        for old, new in zip((self.cert, self.key), by, strict=True):
            fresh = old.with_suffix(".new")
            fresh.write_bytes(new.read_bytes())
            fresh.replace(old)


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> Files:
    made = Files(tmp_path)
    made.replace(*authority.files("first"))
    return made


@pytest.fixture
def served(serve: Serve, files: Files) -> Client:
    return serve(FakeControl(snapshot(command("a"))), certificate=Certificate(files.cert, files.key))


def shown(client: Client) -> bytes | None:
    """The certificate that a new connection gets to see."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(client.address, PATIENCE) as plain, context.wrap_socket(plain) as secure:
        return secure.getpeercert(binary_form=True)


def test_everything_is_served_by_tls(served: Client, authority: Authority) -> None:
    url = f"https://{served.address}"
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(authority.bundle)
        for path in ("/healthz", "/metrics", "/api/streams", "/"):
            assert session.get(url + path, timeout=PATIENCE).ok
        order = session.post(f"{url}/api/streams/a/stop", headers={"Origin": url}, timeout=PATIENCE)
        assert order.status_code == 202, "its own page gives orders"
    with pytest.raises(requests.RequestException):
        requests.get(f"http://{served.address}/healthz", timeout=PATIENCE)


def test_replaced_files_count_for_the_next_connection_and_break_none(
    served: Client, files: Files, authority: Authority
) -> None:
    kept = http.client.HTTPSConnection(
        served.address.host,
        served.address.port,
        timeout=PATIENCE,
        context=ssl.create_default_context(cafile=str(authority.bundle)),
    )
    kept.request("GET", "/healthz")
    assert kept.getresponse().read()
    assert shown(served) == own_certificate(files.cert)
    second = authority.files("second")
    files.replace(*second)
    eventually(lambda: shown(served) == own_certificate(second[0]), PATIENCE, "the new one is shown")
    held = kept.sock
    kept.request("GET", "/healthz")
    assert kept.getresponse().status == 200
    assert kept.sock is held, "the old connection goes on"
    kept.close()


def test_files_that_cannot_be_used_leave_the_old_one_and_are_told_once(
    served: Client, files: Files, authority: Authority, capfd: pytest.CaptureFixture[str]
) -> None:
    first = own_certificate(files.cert)
    third = authority.files("third")
    files.replace(third[0], files.key)  # and its key has not come yet

    def said() -> str:
        assert shown(served) == first
        heard.append("".join(capfd.readouterr()))
        return "".join(heard)

    heard: list[str] = []
    eventually(lambda: "the old one stays" in said(), PATIENCE, "it is told")
    until = time.monotonic() + 2.5  # two looks more
    while time.monotonic() < until:
        said()
    assert said().count("the old one stays") == 1
    files.replace(*third)
    eventually(lambda: shown(served) == own_certificate(third[0]), PATIENCE, "the pair is shown")


def test_who_connects_and_shakes_no_hand_keeps_nobody_out(serve: Serve, files: Files, authority: Authority) -> None:
    client = serve(FakeControl(snapshot()), room=lambda: 8, certificate=Certificate(files.cert, files.key))
    with ExitStack() as stack:
        silent = []
        for _ in range(24):
            one = stack.enter_context(socket.create_connection(client.address, timeout=PATIENCE))
            one.sendall(b"\x16\x03\x01")  # the beginning of a handshake, and never the rest
            silent.append(one)
        assert requests.get(f"https://{client.address}/healthz", verify=str(authority.bundle), timeout=PATIENCE).ok

        def closed() -> int:
            count = 0
            for one in silent:
                one.settimeout(0)
                try:
                    count += not one.recv(1)
                except BlockingIOError:
                    continue
                except OSError:
                    count += 1
            return count

        eventually(lambda: closed() >= 16, 5, "no more of them are kept than there is room for")
        began = time.monotonic()
        client.server.stop()
        assert time.monotonic() - began < PATIENCE


def test_the_command_line_believes_the_configured_certificate_alone(
    served: Client, files: Files, authority: Authority
) -> None:
    url = f"https://{served.address}"
    right, wrong = own_certificate(files.cert), own_certificate(authority.files("foreign")[0])
    for api in (Api(url, None, certificate=right), Api(url, None, ca_file=authority.bundle)):
        assert api.get("/api/streams")["streams"]
    for api in (Api(url, None, certificate=wrong), Api(url, None), Api(url, None, ca_file=files.key)):
        with pytest.raises(ApiError, match="certificate"):
            api.get("/api/streams")
    with pytest.raises(ApiError, match="expected a file with certificates"):
        Api(url, None, ca_file=Path("/nowhere.pem")).get("/api/streams")
