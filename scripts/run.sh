#!/bin/sh
# Open the window; without a display, run the tour offscreen and print the folder of its screenshots.
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
    echo "No display, so the tour ran offscreen. The screenshots are in $(pwd)/build/tour"
else
    exec .venv/bin/python -m explorer "$@"
fi
