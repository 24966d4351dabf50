"""What opens: the configuration's own token, and those that `neverdark token` makes. IO.

The file of tokens is looked at for each request that needs one, in a thread: what was revoked opens nothing any more.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import structlog

from exporter.api.guard import is_right
from supervisor.config.tokens import (
    FILE,
    LOCAL,
    OPERATOR,
    BrokenTokenFile,
    Scope,
    Token,
    TokenFile,
    holder,
    looks_named,
)

_log = structlog.get_logger("neverdark.http")


class Holder(NamedTuple):
    """Whose token came with a request, and what it allows."""

    name: str
    scope: Scope


NOBODY: Final = Holder(LOCAL, Scope.CONTROL)  # needs no token, and has none


class Keys:
    """Every token that is right. What blocks may be called from any thread."""

    def __init__(self, token: str | None, file: TokenFile | None) -> None:
        self._token = token
        self._file = file
        self._closed = token is not None
        self._told: str | None = None

    def needed(self) -> bool:
        """Whether there is any token, so that one is needed. Blocks.

        A file that is broken, empty or gone while we run leaves the door closed.
        """
        if self._file is not None:
            self._closed = self._tokens() is not None or self._closed
        return self._closed

    def named(self, authorization: str) -> Holder | None:
        """Who holds this token, if it is one of the file's. Blocks."""
        scheme, _, given = authorization.partition(" ")
        text = given.strip()
        if scheme.lower() != "bearer" or not looks_named(text):
            return None
        found = holder(self._tokens() or (), text)
        return Holder(found.name, found.scope) if found else None

    def own(self, authorization: str) -> Holder | None:
        """Who holds it, if it is the configuration's own."""
        right = self._token is not None and is_right(authorization, self._token)
        return Holder(OPERATOR, Scope.CONTROL) if right else None

    def _tokens(self) -> tuple[Token, ...] | None:
        """The file's; none of one that is broken, which is told once."""
        if self._file is None:
            return None
        problem: str | None = None
        tokens: tuple[Token, ...] | None = ()
        try:
            tokens = self._file.tokens()
        except BrokenTokenFile as error:
            problem = str(error)
        if problem != self._told:
            self._told = problem
            if problem:
                _log.error(f"{FILE} in the data_dir is broken: none of its tokens is right", problem=problem)
            else:
                _log.info(f"{FILE} in the data_dir is good again")
        return tokens
