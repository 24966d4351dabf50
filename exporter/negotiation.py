"""What a client can read, from its Accept headers. Pure."""

from __future__ import annotations


def _preferences(header: str) -> list[tuple[str, float]]:
    """Each alternative in lower case and without parameters, in the header's order, with its weight."""
    found = []
    for alternative in header.split(","):
        name, *parameters = (part.strip().lower() for part in alternative.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        found.append((name, weight))
    return found


def wants_openmetrics(accept: str) -> bool:
    """True when OpenMetrics is named and plain text is not preferred to it; all others get plain text."""
    weights = dict(reversed(_preferences(accept)))
    openmetrics = weights.get("application/openmetrics-text", 0.0)
    return openmetrics > 0 and openmetrics >= weights.get("text/plain", 0.0)


def wants_gzip(accept_encoding: str) -> bool:
    """True when gzip is named, or everything is, and neither is forbidden."""
    weights = dict(_preferences(accept_encoding))
    return weights.get("gzip", weights.get("*", 0.0)) > 0
