#!/bin/sh
# Makes a virtual environment at $1 with neverdark (editable), its tools, and the versions of constraints.txt.
set -eu
cd "$(dirname "$0")/.."
venv=$1

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "neverdark needs Python 3.11 or newer; found $(python3 --version 2>&1 || echo none)" >&2
    return 1
}

# Is it there and of a Python that still is? An upgrade of the system's Python leaves a broken one behind.
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    # Debian splits ensurepip off into a package of its own, named after the version.
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        scripts/system-packages.sh venv "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    rm -rf "$venv"
    echo "creating $venv with $("$python" --version)"
    "$python" -m venv "$venv"
fi

"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
