#!/bin/sh
# Create or update the environment in .venv. The stamp is written last, so that an interrupted run starts over.
#     scripts/environment.sh STAMP
set -eu
stamp=$1

# A command named python3.x may exist without working (shims of version managers), so each is tested.
usable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1
}

rm -f "$stamp"
if [ -d .venv ] && ! usable .venv/bin/python; then
    echo "The Python of .venv does not work any more; creating it again."
    rm -rf .venv
fi
if [ ! -d .venv ]; then
    chosen=""
    for name in python3.11 python3.12 python3.13 python3 python; do
        if usable "$name"; then
            chosen=$name
            break
        fi
    done
    if [ -z "$chosen" ]; then
        found=$(python3 --version 2>/dev/null || echo "no python3")
        echo "error: Python 3.11, 3.12 or 3.13 is needed on PATH, found $found. Install one of them, then try again." >&2
        exit 1
    fi
    echo "Creating the environment with $chosen ($("$chosen" --version)); this takes a minute or two and about 2 GB."
    if ! "$chosen" -m venv .venv; then
        rm -rf .venv
        version=$("$chosen" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "error: the Python module venv is missing. On Debian and Ubuntu run: sudo apt-get install python$version-venv" >&2
        exit 1
    fi
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,mp4,tensorboard,all-formats]' --constraint constraints.txt
touch "$stamp"
