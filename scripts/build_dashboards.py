"""Writes grafana/dashboards/*.json from grafana/source; a test compares, so the two cannot part."""

from __future__ import annotations

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.source import fleet, itself, stream

DIRECTORY = Path(__file__).parent.parent / "grafana" / "dashboards"
PAGES = {"fleet": fleet.build, "stream": stream.build, "neverdark": itself.build}


def rendered(name: str) -> str:
    """A dashboard's JSON."""
    return JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(PAGES[name]().build()) + "\n"


if __name__ == "__main__":
    for page in PAGES:
        (DIRECTORY / f"{page}.json").write_text(rendered(page), encoding="utf-8")
