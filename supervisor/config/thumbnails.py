"""Small pictures of what is sent."""

from __future__ import annotations

from supervisor.model.policies import Section


class Thumbnails(Section):
    """Whether small pictures of a stream are made: for who asks, and at its incidents."""

    enabled: bool = True
    at_incidents: bool = True
