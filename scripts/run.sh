#!/bin/sh
# Open the window; where there is no display, drive it offscreen and say where the pictures are.
set -eu
case $(uname -s) in
Linux)
    if [ -n "${WAYLAND_DISPLAY:-}" ] && [ -z "${DISPLAY:-}" ]; then
        platform=wayland
    elif [ -n "${DISPLAY:-}" ]; then
        platform=xcb
    else
        platform=offscreen
    fi
    ;;
*) platform=native ;;
esac

if [ "$platform" = native ]; then
    exec .venv/bin/python -m explorer "$@"
fi
.venv/bin/python scripts/check_system.py --platform "$platform"
if [ "$platform" = offscreen ]; then
    mkdir -p build/tour
    QT_QPA_PLATFORM=offscreen .venv/bin/python -m explorer tour --out build/tour --force
    echo "There is no display here, so the window was driven without one. The pictures are in $(pwd)/build/tour"
else
    exec .venv/bin/python -m explorer "$@"
fi
