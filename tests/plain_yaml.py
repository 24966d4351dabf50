"""YAML as the configuration takes it: PyYAML's dumper writes anchors for what stands in two places."""

from __future__ import annotations

from typing import Any

import yaml


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def plain_dump(tree: Any, **options: Any) -> str:
    """`tree` as text, each thing written out where it stands."""
    text: str = yaml.dump(tree, Dumper=_Plain, **options)
    return text
