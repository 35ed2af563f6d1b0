"""An import or a training whose bundle has no room says that the disk is full, and leaves nothing but a checkpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from explorer_testing.programs import PATIENCE_S, environment
from explorer_testing.training import write_images

from explorer.models.bundle import NETWORKS
from explorer.paths import pretrained_dir

pytestmark = pytest.mark.engine

WRITE = """
import json, shutil, sys
from pathlib import Path
from explorer.engine.client import ModelProcess
from explorer.engine.messages import Failed, Import, Train
from explorer.models.third_party.request import ImportRequest
from explorer_testing.training import small_request

if __name__ == "__main__":
    encoder, decoder, images, disk, fill = json.loads(sys.argv[1])
    disk, process, outcomes = Path(disk), ModelProcess(), []
    process.start()
    for room in fill:
        # All but so many bytes of the disk are taken.
        with (disk / "others").open("wb") as file:
            free = shutil.disk_usage(disk).free
            file.write(bytes(max(0, free - room)))
        request = ImportRequest(None, disk / "imported", encoder=Path(encoder), decoder=Path(decoder))
        *_, last = process.run(Import(request))
        outcomes.append([type(last).__name__, str(getattr(last, "message", "")), getattr(last, "details", "")])
        training = small_request(Path(images), disk / "trained", epochs=1)
        *_, last = process.run(Train(training))
        outcomes.append([type(last).__name__, str(getattr(last, "message", "")), getattr(last, "details", "")])
        outcomes.append(sorted(path.name for path in disk.iterdir()))
        (disk / "others").unlink()
        shutil.rmtree(disk / "trained", ignore_errors=True)
    process.close()
    print(json.dumps(outcomes))
"""


def _can_mount() -> bool:
    """Whether a disk of a few kilobytes can be had: in a space of mounts that ends with its process."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return False
    words = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(words, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not _can_mount(), reason="a small disk can be mounted by root on Linux alone")
def test_a_full_disk_is_reported_as_such(tmp_path: Path) -> None:
    """With room for nothing, for the compiled networks, and for one of the networks of Keras."""
    disk = tmp_path / "disk"
    disk.mkdir()
    program = tmp_path / "write.py"
    program.write_text(WRITE, "utf-8")
    images = write_images(tmp_path / "blobs.npz")
    bundle = pretrained_dir() / "digits-vae-2d"
    sizes = {name: (bundle / name).stat().st_size for name in ("encoder.onnx", "decoder.onnx", *NETWORKS)}
    compiled = sizes["encoder.onnx"] + sizes["decoder.onnx"]
    rooms = [20_000, compiled + 20_000, compiled + sizes[NETWORKS[0]] + 20_000]
    argument = json.dumps([*(str(bundle / name) for name in NETWORKS), str(images), str(disk), rooms])
    mount = f'mount -t tmpfs -o size=16m none "{disk}" && exec "$0" "$@"'
    ended = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, sys.executable, str(program), argument],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=environment(),
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    result = json.loads(ended.stdout.splitlines()[-1])
    for imported, trained, left in zip(result[::3], result[1::3], result[2::3], strict=True):
        for kind, message, details in [imported, *([trained] if trained[0] == "Failed" else [])]:
            assert kind == "Failed"
            assert "No space left on device" in message
            assert "free disk space" in message
            assert details == ""
        assert "imported" not in left
        assert not [name for name in left if name.startswith(".")], left
    assert result[1][0] == "Failed"
