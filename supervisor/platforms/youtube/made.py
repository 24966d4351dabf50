"""Makes the logins that a configuration asks for, of real parts, and keeps those that stay the same."""

from __future__ import annotations

import random
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import requests
from pydantic import SecretStr

from supervisor.config.addresses import FILE_NAME, Asked
from supervisor.config.pushed import address_of, key_of, keys_in_use, pushed_to
from supervisor.config.shape import Config
from supervisor.config.urls import destination_scheme
from supervisor.config.youtube import AccountSection, PlaceSection, QuotaSection, page_url_of
from supervisor.model.destination_urls import RTMP_PORTS, rtmp_name
from supervisor.platforms.interface import Place
from supervisor.platforms.youtube import ledger, memory_file
from supervisor.platforms.youtube.backups import Backups, asked_of
from supervisor.platforms.youtube.calls import World
from supervisor.platforms.youtube.client import Client
from supervisor.platforms.youtube.desk import Silence, Tally
from supervisor.platforms.youtube.http import new_session
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.login import Login, Parts, Sent
from supervisor.platforms.youtube.memory_file import MemoryFile
from supervisor.platforms.youtube.oauth import OAuth
from supervisor.platforms.youtube.page import look
from supervisor.platforms.youtube.tokens import Tokens

_MARKER_BYTES = 6
NOBODY = ""  # the name of what has no account, and so nothing but pages


class Outside(NamedTuple):
    """How servers are reached, a pause, and chance from 0 to 1: those of a simulation are others."""

    session: Callable[[], requests.Session] = new_session
    sleep: Callable[[float], object] = time.sleep
    chance: Callable[[], float] = random.random


OUTSIDE: Final = Outside()


class Logins:
    """By the names of their accounts. `follow` is to be called when the configuration has changed."""

    def __init__(
        self, data_dir: Path, now: Callable[[], float], wall: Callable[[], float], outside: Outside = OUTSIDE
    ) -> None:
        self._data_dir = data_dir
        self._outside = outside
        self._now = now
        self._wall = wall
        self._known: dict[str, Login] = {}
        # What is counted, whatever login counts it: a counter must not fall because the configuration has changed.
        self._requests: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self._tallies: dict[Place, Tally] = {}
        self._silences: defaultdict[str, Silence] = defaultdict(Silence)
        self._memory = MemoryFile(data_dir / memory_file.FILE_NAME)

    def follow(self, configs: Iterable[Config]) -> Mapping[str, Login]:
        """Those that are needed now."""
        sections: dict[str, AccountSection | None] = {NOBODY: None}
        places: dict[str, dict[Place, PlaceSection]] = {}
        sent: dict[Place, Sent] = {}
        backups: list[Asked] = []
        known_configs = list(configs)
        keys = Counter(keys_in_use(known_configs))
        for config in known_configs:
            sections |= config.youtube.accounts
            backups += asked_of(config)
            for place, section in places_of(config):
                places.setdefault(section.account or NOBODY, {})[place] = section
                sent[place] = sent_to(config, place, keys)
        known = {}
        for name, own in places.items():
            login = self._known.get(name)
            if login is None or login.section != sections.get(name):
                login = self._make(name, sections.get(name))
            login.follow(own, {place: sent[place] for place in own})
            if login.backups:
                login.backups.stream_ids = {one.stream_id for one in backups if one.account == name}
            known[name] = login
        self._known = known
        for name in self._silences.keys() - known.keys():
            del self._silences[name]
        return known

    def _make(self, name: str, section: AccountSection | None) -> Login:
        outside, now, wall = self._outside, self._now, self._wall
        ask = partial(look, outside.session(), page_url_of(section))
        asked = self._requests[name]

        def report(method: str, result: str) -> None:
            asked[method, result] += 1

        quota = section.quota if section else QuotaSection()
        book = Ledger(quota, self._data_dir / ledger.file_name(name) if section else None, wall)
        tokens = Tokens(section, OAuth(section, outside.session()), wall=wall, clock=now) if section else None
        world, session = World(wall, outside.sleep, outside.chance), outside.session()
        client = Client(section, tokens, book, session, world=world, report=report) if section and tokens else None
        parts = Parts(client, book, tokens, self._memory, ask, asked, self._tallies, self._silences[name])
        login = Login(name, section, parts, now, client.wall if client else wall, _marker)
        login.backups = Backups(self._data_dir / FILE_NAME, now)
        return login


def places_of(config: Config) -> Iterable[tuple[Place, PlaceSection]]:
    """The destinations of enabled streams that say what they are at YouTube."""
    for stream, section in config.streams.items():
        if section.enabled:
            for destination, one in section.destinations.items():
                if one.youtube:
                    yield (stream, destination), one.youtube


def sent_to(config: Config, place: Place, keys: Mapping[str, int] = MappingProxyType({})) -> Sent:
    """With which key, and whether with sound. A command's are not known.

    `keys` are all that there are, with how many send with each: who sends alone may be sent elsewhere.
    """
    stream = config.streams[place[0]]
    destination = stream.destinations[place[1]]
    key, url = destination.secret_key, destination.url.get_secret_value()
    if key is None and destination_scheme(url) in RTMP_PORTS:
        key = SecretStr(rtmp_name(url, None).stream)
    pushed = pushed_to(config, place)
    address = address_of(pushed) if pushed and keys.get(key_of(pushed)) == 1 else ""
    return Sent(key, stream.command is not None or stream.audio.source != "none", address)


def _marker() -> str:
    """By which a broadcast of ours is known again: at the end of its description, where viewers are not bothered."""
    return f"[nd-{secrets.token_hex(_MARKER_BYTES)}]"
