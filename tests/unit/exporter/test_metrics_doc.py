"""docs/metrics.md says what the code says."""

from __future__ import annotations

from scripts.write_metrics_doc import FILE, rendered


def test_the_page_is_what_the_code_gives() -> None:
    assert FILE.read_text(encoding="utf-8") == rendered(), "run: python -m scripts.write_metrics_doc"
