#!/bin/sh
# Writes constraints.txt anew: the newest versions that pyproject.toml allows, from a clean environment.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3.11 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[dev]'
"$work/venv/bin/python" -m pip check
{
    echo "# What neverdark is tested with, to the last package: make installs exactly this."
    echo "# Renew with \`make constraints\` (Python 3.11, the oldest supported: newer ones need no more than this),"
    echo "# then \`make check test\`."
    "$work/venv/bin/python" -m pip freeze --exclude-editable
} >"$work/constraints.txt"
mv "$work/constraints.txt" constraints.txt
