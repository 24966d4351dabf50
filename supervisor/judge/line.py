"""Is it our own line that is down? Pure."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.model.terms import Reach


def line_down(ingests: Collection[Reach], reference: Reach | None, *, something_flows: bool) -> bool:
    """Whether nothing out there can be reached, as far as is known.

    `ingests` are the latest looks at those that cannot be sent to, `reference` is the host that the owner named to tell
    our line from theirs (None: none, or nobody has looked yet), `something_flows`: some other ingest acknowledges what
    we send. Without a reference host, an ingest that does not answer may have gone itself: then only our own machine's
    word that there is no way counts.
    """
    if something_flows or not ingests or any(reach.line_is_up for reach in ingests):
        return False
    if reference is not None:
        return not reference.line_is_up
    return all(reach is Reach.NO_ROUTE for reach in ingests)
