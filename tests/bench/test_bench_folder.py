"""The benchmark ``folder``: its folder of images, and a real run on few images."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.bench import folder, run
from explorer.data.sources import open_source


def test_it_writes_real_images_of_two_kinds_in_sub_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "CLASSES", 5)
    folder._write_images(tmp_path / "images", 1_007)
    source = open_source(tmp_path / "images")
    assert (source.count, source.image_shape, source.skipped) == (1_007, (64, 64, 3), ())
    assert source.label_names == tuple(f"class {number}" for number in range(5))
    assert {source.file_name(index).rsplit(".")[-1] for index in range(source.count)} == {"png", "jpg"}


@pytest.mark.engine
def test_folder_for_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "QUICK_COUNT", 2_100)
    first, again, memory, own = run(quick=True, only="folder")
    for record in (first, again):
        assert record["unit"] == "s"
        assert 0 < record["ours"] == pytest.approx(record["ratio_to_limit"])
    for record in (memory, own):
        assert record["unit"] == "MB"
        assert record["limit"] == 300
    for record in (first, again, memory, own):
        assert record["case"].startswith("2,100 images")
        assert record["peer"] > 0
