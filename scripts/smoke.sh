#!/usr/bin/env bash
# Open the real window on a virtual X screen with the xcb platform plugin, and check its output.
set -euo pipefail
.venv/bin/python scripts/check_system.py --platform xcb --program Xvfb

out=build/smoke
rm -rf "$out"
mkdir -p "$out"
# The server picks a free display itself and writes its number.
Xvfb -displayfd 3 -screen 0 1600x1000x24 -nolisten tcp 3>"$out/display" 2>"$out/xvfb.log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    [ -s "$out/display" ] && break
    kill -0 "$server" 2>/dev/null || { cat "$out/xvfb.log" >&2; exit 1; }
    sleep 0.1
done
[ -s "$out/display" ] || { echo "error: Xvfb did not start a display" >&2; cat "$out/xvfb.log" >&2; exit 1; }

DISPLAY=":$(cat "$out/display")" QT_QPA_PLATFORM=xcb \
    .venv/bin/python -m explorer tour --only start --json --out "$out/pictures" >"$out/tour.json"
.venv/bin/python - "$out/tour.json" <<'PYTHON'
import json
import sys
from pathlib import Path

told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
pictures = [Path(path) for path in told["screenshots"]]
assert pictures, "the tour took no screenshot"
assert all(path.stat().st_size > 10_000 for path in pictures), f"a screenshot is nearly empty: {pictures}"
assert not told["heavy_modules"], f"the window had imported {told['heavy_modules']} after its first paint"
print(f"smoke test of the window under X: {len(pictures)} screenshot(s), {told['seconds']} s")
PYTHON

DISPLAY=":$(cat "$out/display")" QT_QPA_PLATFORM=xcb LATENT_EXPLORER_HOME="$out/home" \
    .venv/bin/python scripts/drag_for_real.py
