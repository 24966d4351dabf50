"""Which of a program's connections goes to which destination? Pure.

A command is not ours: it may have connections to its source and to several destinations, and nothing but their other
end tells them apart. The port decides; where that is not enough the address does, as far as it is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from supervisor.judge.uplink import TcpSample

Key = TypeVar("Key")


class Peer(NamedTuple):
    """Where connections to a destination go.

    `hosts` are the addresses that are known. If they are `certain`, there are no others; else (a name: it may be
    unresolved, or have more addresses than it has told) a connection to an unknown host may be meant as well.
    """

    port: int
    hosts: frozenset[str]
    certain: bool


class TcpConnection(NamedTuple):
    """A TCP connection and its other end."""

    sample: TcpSample
    host: str
    port: int


def match(
    peers: Mapping[Key, Peer], connections: Iterable[TcpConnection], before: Mapping[Key, int]
) -> dict[Key, TcpSample]:
    """The connection of each destination; no two have the same one, and who has none is left out.

    `before` are the inodes of the last answer: where nothing tells several connections apart (two keys of one ingest),
    each destination at least keeps the one that it has.
    """
    meant: dict[tuple[bool, tuple[Key, ...]], list[TcpSample]] = {}
    for connection in connections:
        here = {key: peer for key, peer in peers.items() if peer.port == connection.port}
        exact = tuple(key for key, peer in here.items() if connection.host in peer.hosts)
        loose = tuple(key for key, peer in here.items() if not peer.certain)
        meant.setdefault((not exact, exact or loose), []).append(connection.sample)
    found: dict[Key, TcpSample] = {}
    # What is known comes before what may be, what has one meaning before what has several.
    for loosely, keys in sorted(meant, key=lambda who: (who[0], len(who[1]))):
        found |= _share([key for key in keys if key not in found], meant[loosely, keys], before)
    return found


def _share(keys: Sequence[Key], samples: list[TcpSample], before: Mapping[Key, int]) -> dict[Key, TcpSample]:
    """One sample for each of `keys`, of those that carry the most; in a stable order where it does not matter."""
    carrying = sorted(samples, key=lambda sample: sample.importance, reverse=True)[: len(keys)]
    left = {sample.inode: sample for sample in sorted(carrying, key=lambda sample: sample.inode)}
    kept = {key: left.pop(before[key]) for key in keys if before.get(key) in left}
    return kept | dict(zip((key for key in keys if key not in kept), left.values(), strict=False))
