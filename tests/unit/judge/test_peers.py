"""Which connection of a program goes to which of its destinations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.judge.peers import Peer, TcpConnection, match
from supervisor.judge.uplink import TcpSample, TcpState


def to(host: str, port: int = 1935, *, inode: int, acked: int = 1000, closing: bool = False) -> TcpConnection:
    state = TcpState.CLOSE_WAIT if closing else TcpState.ESTABLISHED
    return TcpConnection(TcpSample(inode, acked, 0, 0, 0.02, 0, state), host, port)


def at(*hosts: str, port: int = 1935) -> Peer:
    """An address that was given as such."""
    return Peer(port, frozenset(hosts), certain=True)


def named(*hosts: str, port: int = 1935) -> Peer:
    """A name and the addresses that it is known to have."""
    return Peer(port, frozenset(hosts), certain=False)


# Destinations, connections, which inode goes where.
MATCHES: dict[str, tuple[dict[str, Peer], list[TcpConnection], dict[str, int]]] = {
    "nothing connected": ({"a": named()}, [], {}),
    "by the port": (
        {"a": named(), "b": named(port=443)},
        [to("192.0.2.1", 443, inode=1), to("192.0.2.1", inode=2)],
        {"a": 2, "b": 1},
    ),
    "another port is something else": ({"a": named()}, [to("192.0.2.1", 554, inode=1)], {}),
    "one port, by the address": (
        {"a": at("192.0.2.1"), "b": at("192.0.2.2")},
        [to("192.0.2.2", inode=1), to("192.0.2.1", inode=2)],
        {"a": 2, "b": 1},
    ),
    "an address that is certain has no other": ({"a": at("192.0.2.1")}, [to("192.0.2.9", inode=1)], {}),
    "a name that does not resolve: by the port": ({"a": named()}, [to("192.0.2.9", inode=1)], {"a": 1}),
    "a name that resolves to another one by now: by the port": (
        {"a": named("192.0.2.1")},
        [to("192.0.2.9", inode=1)],
        {"a": 1},
    ),
    "of several, the one to its address, though less was sent": (
        {"a": named("192.0.2.1")},
        [to("192.0.2.9", inode=1, acked=9000), to("192.0.2.1", inode=2, acked=10)],
        {"a": 2},
    ),
    "of several to its address, the one that carries the stream": (
        {"a": at("192.0.2.1")},
        [to("192.0.2.1", inode=1, acked=9000), to("192.0.2.1", inode=2, acked=10)],
        {"a": 1},
    ),
    "an open one before one that the ingest has closed": (
        {"a": at("192.0.2.1")},
        [to("192.0.2.1", inode=1, acked=9000, closing=True), to("192.0.2.1", inode=2, acked=10)],
        {"a": 2},
    ),
    "one resolves, the other gets what is left": (
        {"a": named(), "b": named("192.0.2.2")},
        [to("192.0.2.2", inode=1), to("192.0.2.1", inode=2)],
        {"a": 2, "b": 1},
    ),
    "one resolves and is not connected: what is left is the other's": (
        {"a": at("192.0.2.2"), "b": named()},
        [to("192.0.2.1", inode=1)],
        {"b": 1},
    ),
    "none resolves: in the order in which they were opened": (
        {"a": named(), "b": named()},
        [to("192.0.2.2", inode=9, acked=9000), to("192.0.2.1", inode=2)],
        {"a": 2, "b": 9},
    ),
    "two keys of one ingest": (
        {"a": at("192.0.2.1"), "b": at("192.0.2.1")},
        [to("192.0.2.1", inode=9), to("192.0.2.1", inode=2)],
        {"a": 2, "b": 9},
    ),
    "two of one ingest, and something small that came first": (
        {"a": at("192.0.2.1"), "b": at("192.0.2.1")},
        [to("192.0.2.1", inode=1, acked=10), to("192.0.2.1", inode=9), to("192.0.2.1", inode=2)],
        {"a": 2, "b": 9},
    ),
    "names that share an address": (
        {"a": named("192.0.2.1", "192.0.2.2"), "b": named("192.0.2.2")},
        [to("192.0.2.2", inode=1), to("192.0.2.1", inode=2)],
        {"a": 2, "b": 1},
    ),
}


@pytest.mark.parametrize(("peers", "connections", "expected"), MATCHES.values(), ids=MATCHES.keys())
def test_the_other_end_tells(
    peers: dict[str, Peer], connections: list[TcpConnection], expected: dict[str, int]
) -> None:
    for order in (connections, connections[::-1]):
        assert {key: sample.inode for key, sample in match(peers, order, {}).items()} == expected


def test_who_cannot_be_told_apart_keeps_what_it_has() -> None:
    """Of two keys of one ingest, the first loses its connection and gets a new one."""
    peers = {"a": at("192.0.2.1"), "b": at("192.0.2.1")}
    first, second, third = (to("192.0.2.1", inode=inode) for inode in (5, 7, 3))
    before: dict[str, int] = {}
    seen = []
    for connections in ([first, second], [second], [third, second]):
        before = {key: sample.inode for key, sample in match(peers, connections, before).items()}
        seen.append(before)
    assert seen == [{"a": 5, "b": 7}, {"b": 7}, {"a": 3, "b": 7}]


def test_what_it_had_does_not_bind_one_that_is_alone() -> None:
    """A connection that was seen first (a playlist, an old session) must not hide the one that carries the stream."""
    seen = match({"a": named()}, [to("192.0.2.1", inode=1, acked=10), to("192.0.2.1", inode=2)], {"a": 1})
    assert seen["a"].inode == 2


hosts = st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3"])
ports = st.sampled_from([443, 1935])
peers = st.dictionaries(st.sampled_from("abcd"), st.builds(Peer, ports, st.frozensets(hosts), st.booleans()))
connections = st.lists(
    st.builds(to, hosts, ports, inode=st.integers(1, 9), acked=st.integers(0, 3)),
    unique_by=lambda connection: connection.sample.inode,
)


@given(peers, connections, st.dictionaries(st.sampled_from("abcd"), st.integers(1, 9)))
def test_each_has_its_own_and_one_that_it_may_have(
    peers: dict[str, Peer], connections: list[TcpConnection], before: dict[str, int]
) -> None:
    found = match(peers, connections, before)
    ends = {connection.sample.inode: connection for connection in connections}
    assert len({sample.inode for sample in found.values()}) == len(found)
    for key, sample in found.items():
        assert ends[sample.inode].port == peers[key].port
        assert ends[sample.inode].host in peers[key].hosts or not peers[key].certain
    # The next look at the same connections finds the same: no meter sees another connection for nothing.
    inodes = {key: sample.inode for key, sample in found.items()}
    assert {key: sample.inode for key, sample in match(peers, connections, inodes).items()} == inodes
