"""Why a certificate is not accepted: real TLS servers on this machine, and what each is called."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from supervisor.ffmpeg.phrases import EXPIRED, NOT_VALID_YET, OF_CERTIFICATES, UNTRUSTED, WRONG_HOST
from supervisor.model.quantities import Address
from supervisor.probes.certificate import certificate_fault
from tests.unit.certificates import Authority

PATIENCE = 20.0


@contextmanager
def serving(context: ssl.SSLContext | None) -> Iterator[Address]:
    """A server for one connection; without a context it hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)

        def serve() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    if context:
                        with context.wrap_socket(connection, server_side=True) as line:
                            line.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Address("127.0.0.1", server.getsockname()[1])
        thread.join(PATIENCE)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours") / "ca")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("theirs") / "ca")


KINDS: list[tuple[Callable[[Authority, Authority], ssl.SSLContext], str | None]] = [
    (lambda ours, _: ours.good(), None),
    (lambda ours, _: ours.expired(), EXPIRED),
    (lambda ours, _: ours.not_valid_yet(), NOT_VALID_YET),
    (lambda ours, _: ours.good("DNS:other.example"), WRONG_HOST),
    (lambda _, theirs: theirs.good(), UNTRUSTED),
]


@pytest.mark.parametrize(("kind", "said"), KINDS, ids=["good", "expired", "not yet", "wrong host", "untrusted"])
def test_each_fault_has_its_own_words(
    ours: Authority, theirs: Authority, kind: Callable[[Authority, Authority], ssl.SSLContext], said: str | None
) -> None:
    with serving(kind(ours, theirs)) as address:
        assert certificate_fault(address, str(ours.bundle), PATIENCE) == said
    assert said is None or said in OF_CERTIFICATES


def test_what_is_no_certificate_at_all_is_not_called_one(ours: Authority, tmp_path: Path) -> None:
    with serving(None) as address:
        assert certificate_fault(address, str(ours.bundle), PATIENCE) is None
    assert certificate_fault(address, str(ours.bundle), PATIENCE) is None, "nobody listens any more"
    assert certificate_fault(address, str(tmp_path / "missing.pem"), PATIENCE) is None
