"""Whether somebody else seems to publish on our key, by how a server treats us. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from supervisor.model.terms import ExitCause

_OFTEN = 3
_IN_USE = ("already publishing", "already exists", "stream already", "publish.badname", "in use")


def suspicion(cause: ExitCause, said: Iterable[str], in_a_row: int, known: str | None) -> str | None:
    """What to tell people, of a pusher that ended with `cause` after it `said` these lines; None: no suspicion.

    `in_a_row` is how often the ingest has closed its connection soon, and nothing else came between; `known` names
    another publisher on this machine.
    """
    who = known or "another encoder, here or elsewhere; or, for a minute, the server still holds our last connection"
    if cause is ExitCause.INGEST_REFUSED and any(word in line.lower() for line in said for word in _IN_USE):
        return f"somebody publishes on this key already: {who}"
    if cause is ExitCause.INGEST_CLOSED and in_a_row >= _OFTEN:
        often = f"the ingest has closed the connection soon after it was made, {in_a_row} times in a row"
        return f"{often}: another publisher may be on this key ({known or 'another encoder, here or elsewhere'})"
    if known and cause in {ExitCause.INGEST_REFUSED, ExitCause.INGEST_CLOSED}:
        return f"somebody else publishes on this key: {known}"
    return None
