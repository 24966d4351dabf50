"""The login of one account: the refresh token in its file, the access token in memory alone. IO; blocks.

The file is what `neverdark youtube login` writes. Who uses it looks at it each time, so that a running neverdark goes
on as soon as somebody has logged in again. That a person must log in is a state, not an error that is tried again.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from supervisor.config.stamp import Stamp, stamp_of
from supervisor.config.youtube import AccountSection
from supervisor.platforms.youtube.errors import Kind, YoutubeError
from supervisor.platforms.youtube.oauth import Grant, OAuth
from supervisor.platforms.youtube.private_file import alone_with, read_private, write_private
from supervisor.platforms.youtube.reading import text

_VERSION: Final = 1
_EARLY: Final = 60.0  # seconds before its end an access token is replaced
_PAUSE_AFTER_FAILURE: Final = 15.0  # before a server is asked again that gave no token


class Login(StrEnum):
    """How the login of an account is."""

    UNTRIED = "untried"  # there is one; nothing was asked with it yet
    GOOD = "good"
    NONE = "none"  # nobody has logged in
    REFUSED = "refused"  # revoked, expired or of another client: somebody has to log in again
    UNKNOWN = "unknown"  # Google does not answer, or not as it should

    @property
    def needs_a_person(self) -> bool:
        """Nothing but `neverdark youtube login` mends it."""
        return self in {Login.NONE, Login.REFUSED}


class State(NamedTuple):
    """The login, why it is so in a plain word, and until when its access token holds (wall clock), if there is one."""

    login: Login
    reason: str = ""
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What the file holds. `obtained` is wall clock; `channel` is the one that was logged in."""

    refresh: str = field(repr=False)
    client_id: str
    obtained: float
    channel: str = ""


class Tokens:
    """The tokens of one account, for any thread. `wall` is the time since 1970, `clock` is monotonic.

    `taken_from` is the stamp of the file that the latest access token was got with.
    """

    def __init__(
        self,
        account: AccountSection,
        oauth: OAuth,
        *,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = account
        self._oauth = oauth
        self._wall = wall
        self._clock = clock
        self._lock = threading.Lock()
        self._access = ""
        self._ends = 0.0  # monotonic
        self.taken_from = Stamp()
        self._refused: tuple[Stamp, str] | None = None  # the file that was refused, and the reason
        self._not_before = float("-inf")
        self._state = State(Login.UNTRIED)

    def __repr__(self) -> str:
        return f"Tokens({self._state.login})"

    @property
    def state(self) -> State:
        """As it was when it was last used: reads nothing."""
        return self._state

    def access(self) -> str:
        """An access token that holds for a while. Raises `YoutubeError`; kind `token`: somebody has to log in."""
        with self._lock:
            of_this_login = self.stamp == self.taken_from != Stamp()
            if self._access and self._clock() < self._ends - _EARLY and of_this_login:
                return self._access
            return self._refreshed()

    def refused(self, access: str) -> None:
        """The API has refused this one: the next is a new one."""
        with self._lock:
            if access == self._access:
                self._access = ""

    def look(self) -> State:
        """The state after a look at the file alone."""
        with self._lock:
            if self._refused is None or self._refused[0] != self.stamp:
                with contextlib.suppress(YoutubeError):
                    self._stored()
            return self._state

    def save(self, grant: Grant, channel: str = "") -> None:
        """Keep a new login, in place of what was there. Raises OSError, `YoutubeError` without a refresh token."""
        if grant.refresh is None:
            raise YoutubeError(Kind.UNREADABLE, "no_refresh_token", 200)
        with self._lock, alone_with(self._account.token_file):
            self._write(Stored(grant.refresh, self._account.client_id, self._wall(), channel))
            self._refused, self._not_before = None, float("-inf")
            self._take(grant)

    def stored(self) -> Stored | None:
        """What the file holds; None if there is no login in it."""
        try:
            return self._read()
        except (OSError, ValueError, RecursionError):
            return None

    def forget(self) -> None:
        """Remove the file. Raises OSError."""
        with self._lock, alone_with(self._account.token_file):
            self._account.token_file.unlink(missing_ok=True)
            self._access = ""
            self._state = State(Login.NONE)

    def _refreshed(self) -> str:
        self._access = ""
        stored = self._stored()
        if self._clock() < self._not_before:
            raise YoutubeError(Kind.NETWORK, self._state.reason)
        with alone_with(self._account.token_file):
            # Two that refresh at once could leave one of them with a token that is none any more.
            stamp, stored = self.stamp, self._stored()  # somebody else may have written it while we waited
            try:
                grant = self._oauth.refresh(stored.refresh)
            except YoutubeError as error:
                if error.kind in {Kind.TOKEN, Kind.PERMISSION}:
                    self._refused = stamp, error.reason
                    self._state = State(Login.REFUSED, error.reason)
                    raise YoutubeError(Kind.TOKEN, error.reason, error.status) from None
                self._not_before = self._clock() + _PAUSE_AFTER_FAILURE
                self._state = State(Login.UNKNOWN, error.reason or str(error.kind))
                raise
            if grant.refresh and grant.refresh != stored.refresh:
                with contextlib.suppress(OSError):  # a full disk; the old one is mostly still good
                    self._write(Stored(grant.refresh, stored.client_id, stored.obtained, stored.channel))
            return self._take(grant)

    def _take(self, grant: Grant) -> str:
        self._access, self._ends = grant.access, self._clock() + grant.lasts
        self.taken_from = self.stamp
        self._state = State(Login.GOOD, expires=self._wall() + grant.lasts)
        return grant.access

    def _stored(self) -> Stored:
        """The login in the file. Raises `YoutubeError` when somebody has to log in."""
        if self._refused and self._refused[0] == self.stamp:
            self._state = State(Login.REFUSED, self._refused[1])
        else:
            try:
                found = self._read()
                if found.client_id == self._account.client_id:
                    if self._state.login.needs_a_person:
                        self._state = State(Login.UNTRIED)
                    return found
                self._state = State(Login.REFUSED, "other_client")
            except FileNotFoundError:
                self._state = State(Login.NONE, "no_login")
            except (OSError, ValueError, RecursionError):
                self._state = State(Login.NONE, "unreadable_file")
        raise YoutubeError(Kind.TOKEN, self._state.reason)

    def _read(self) -> Stored:
        match json.loads(read_private(self._account.token_file)):
            case {"version": 1, "refresh_token": str(refresh), "client_id": str(client), **more} if refresh:
                obtained = more.get("obtained")
                at = float(obtained) if isinstance(obtained, int | float) else 0.0
                return Stored(refresh, client, at, text(more.get("channel")))
        raise ValueError("no login")

    def _write(self, stored: Stored) -> None:
        row = {"version": _VERSION, "client_id": stored.client_id, "refresh_token": stored.refresh}
        more = {"obtained": stored.obtained, "channel": stored.channel}
        write_private(self._account.token_file, json.dumps(row | more, indent=1).encode() + b"\n")

    @property
    def stamp(self) -> Stamp:
        """Of the file: another one after each login."""
        return stamp_of(self._account.token_file)
