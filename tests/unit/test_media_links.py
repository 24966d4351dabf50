"""Media ports: one each, free when given, kept for as long as they work."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from supervisor.ports import MediaPorts, NoFreePort
from supervisor.quantities import PortRange


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        yield int(other.getsockname()[1])


def test_each_destination_has_a_port_of_its_own_and_keeps_it() -> None:
    ports = MediaPorts(PortRange(30000, 30999), "a")
    given = [ports.get("s", str(n)) for n in range(50)]
    assert len(set(given)) == 50
    assert [ports.get("s", str(n)) for n in range(50)] == given


def test_a_taken_port_is_not_given_away(taken: int) -> None:
    with pytest.raises(NoFreePort, match=f"{taken}-{taken}"):
        MediaPorts(PortRange(taken, taken), "a").get("s", "d")


def test_a_replaced_port_is_another_one() -> None:
    ports = MediaPorts(PortRange(31000, 31999), "a")
    old = ports.get("s", "d")
    new = ports.replace("s", "d")
    assert new != old
    assert ports.get("s", "d") == new


def test_ports_of_what_is_gone_are_given_again(taken: int) -> None:
    free = next(port for port in (taken - 1, taken + 1) if _is_free(port))
    ports = MediaPorts(PortRange(free, free), "a")
    assert ports.get("s", "a") == free
    with pytest.raises(NoFreePort):
        ports.get("s", "b")
    ports.keep_only({("s", "b")})
    assert ports.get("s", "b") == free


def test_two_neverdarks_begin_at_different_places() -> None:
    ports = PortRange(20000, 29999)
    assert MediaPorts(ports, "/srv/a").get("s", "d") != MediaPorts(ports, "/srv/b").get("s", "d")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
