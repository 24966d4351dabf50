"""Is it our own line to the Internet that is down, or something at its other end? Pure."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.judge.probe_schedule import LatestProbe
from supervisor.model.terms import Reach


def our_line_down(ingests: Collection[Reach], reference: Reach | None, *, something_flows: bool) -> bool:
    """Whether nothing out there can be reached, as far as is known.

    `ingests` are the latest probes of those that cannot be sent to, `reference` is the host that the owner named to
    tell our line from theirs (None: none, or nobody has looked yet), `something_flows`: some other ingest acknowledges
    what we send. Without a reference host, an ingest that does not answer may have gone itself: then only our own
    machine's word that there is no way counts.
    """
    if something_flows or not ingests or any(reach.line_is_up for reach in ingests):
        return False
    if reference is not None:
        return not reference.line_is_up
    return all(reach is Reach.NO_ROUTE for reach in ingests)


def doubted(ingests: Collection[LatestProbe]) -> LatestProbe | None:
    """The latest probe that found no way to an ingest."""
    lost = [probe for probe in ingests if probe.reach and not probe.reach.line_is_up]
    return max(lost, key=lambda probe: probe.began, default=None)


def reference_beside(reference: LatestProbe | None, ingest: LatestProbe | None) -> Reach | None:
    """What the reference host says of the moment when that ingest could not be reached; None: nothing.

    What was so before the trouble proves nothing; nor does a line that is up by now, until the ingest was asked again.
    """
    if reference is None or reference.reach is None or ingest is None:
        return reference.reach if reference else None
    too_old = reference.ended < ingest.began
    too_new = reference.reach.line_is_up and reference.began > ingest.ended
    return None if too_old or too_new else reference.reach


def judge_our_line(
    ingests: Collection[LatestProbe],
    reference: LatestProbe | None,
    *,
    has_reference: bool,
    down_since: float | None,
    something_flows: bool,
) -> bool | None:
    """Whether our line is down; None: that cannot be told now, it is as it was. A proof that it is up comes first.

    `ingests` are the probes of those that are not on this machine, `reference` that of the reference host, if there is
    one (`has_reference`) and it was probed. `down_since` (monotonic): it was down until now.
    """
    found = [probe.reach for probe in ingests if probe.reach]
    if something_flows or not has_reference or any(reach.line_is_up for reach in found):
        return our_line_down(found, None, something_flows=something_flows)
    answers = reference is not None and reference.reach is not None and reference.reach.line_is_up
    if reference and answers and down_since is not None and reference.began > down_since:
        return False
    known = reference_beside(reference, doubted(ingests))
    return our_line_down(found, known, something_flows=False) if found and known is not None else None
