#!/bin/sh
# Make the environment in .venv, or bring it up to date. The stamp is written last: an interrupted run starts over.
#     scripts/environment.sh STAMP
set -eu
stamp=$1

# Commands named python3.x may be there and still not run (version managers leave such), so each is asked.
usable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1
}

rm -f "$stamp"
if [ -d .venv ] && ! usable .venv/bin/python; then
    echo "The Python of .venv no longer works; making it anew."
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
        found=$(python3 --version 2>/dev/null || echo "no python3 at all")
        echo "error: Python 3.11, 3.12 or 3.13 on PATH; received $found. Install one of them, then try again." >&2
        exit 1
    fi
    echo "Making the environment with $chosen ($("$chosen" --version)); this takes a minute or two and about 2 GB."
    if ! "$chosen" -m venv .venv; then
        rm -rf .venv
        version=$("$chosen" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "error: Python's module venv. On Debian and Ubuntu run: sudo apt-get install python$version-venv" >&2
        exit 1
    fi
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,mp4,tensorboard]' --constraint constraints.txt
touch "$stamp"
