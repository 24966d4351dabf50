"""Whether an image holds what is checked out: every file of ours, as it is, and every module can be imported.

deploy.sh hands this to the image's Python, and to its standard input the checkout's files as sha256sum lists them. What
an image lacks often fails silently, and only once it is needed.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import sys
from collections.abc import Iterable
from pathlib import Path

PACKAGES = ("supervisor", "exporter")


def wrong_files(listing: Iterable[str], root: Path) -> list[str]:
    """Of the files in `listing` (hash, spaces, path), those that are not in `root`, or not the same."""
    found = []
    for line in listing:
        digest, _, name = line.strip().partition("  ")
        file = root / name
        if not file.is_file():
            found.append(f"{name}: missing in the image")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            found.append(f"{name}: not as it is checked out")
    return found


def broken_modules(packages: Iterable[str]) -> tuple[int, list[str]]:
    """How many modules there are, and what is wrong with those that cannot be imported."""
    count, found = 0, []
    names = list(packages)
    while names:
        name = names.pop(0)
        count += 1
        try:
            module = importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever an import may raise
            found.append(f"{name}: {type(error).__name__}: {error}")
            continue
        names += [f"{name}.{item.name}" for item in pkgutil.iter_modules(getattr(module, "__path__", []))]
    return count, found


def main() -> int:
    """0: all there."""
    listing = sys.stdin.read().splitlines()
    if not listing:
        print("no file was named", file=sys.stderr)
        return 1
    root = Path(importlib.import_module(PACKAGES[0]).__path__[0]).parent
    files = wrong_files(listing, root)
    count, modules = broken_modules(PACKAGES)
    for problem in [*files, *modules]:
        print(problem, file=sys.stderr)
    if files or modules:
        return 1
    print(f"{len(listing)} files as they are checked out, {count} modules can be imported")
    return 0


if __name__ == "__main__":
    sys.exit(main())
