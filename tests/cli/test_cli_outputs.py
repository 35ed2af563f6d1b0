"""No command overwrites its inputs, or replaces files without ``--force``. Every command is tested, also new ones."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import write_bundle
from explorer_testing.codec import MatrixCodec
from PIL import Image

from explorer.cli.commands import COMMANDS
from explorer.cli.main import build_parser, load_command

TEXTS = {"architecture", "noise", "bottleneck", "code", "log_variance", "only"}
"""Options with free text that is not a file name."""

PRINTING = ("models", "architectures", "data", "evaluate", "neighbors", "bench", "doctor")


def options(name: str) -> Iterator[argparse.Action]:
    """Yield the options of a command that accept any text."""
    for action in build_parser(name, load_command(name))._actions:
        if action.nargs != 0 and action.choices is None and action.type in {None, str}:
            yield action


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_whether_it_names_what_is_read_or_written(name: str) -> None:
    command = load_command(name)
    asked = {action.dest for action in options(name)} - TEXTS
    assert asked == {*command.reads, *command.writes}
    assert not set(command.reads) & set(command.writes)
    assert ("out" in command.writes) == (name not in PRINTING)
    flags = {flag for action in build_parser(name, command)._actions for flag in action.option_strings}
    assert ("--force" in flags) == ("out" in command.writes)


class WindowDriver:
    """A model, images as an array and as files, and arguments of every command with outputs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = folder / "model"
        write_bundle(self.model, MatrixCodec((8, 8, 1), 2))
        self.array = folder / "mine.npz"
        np.savez(self.array, x_train=np.random.default_rng(0).integers(0, 255, (12, 8, 8), dtype=np.uint8))
        self.photos = folder / "photos"
        self.photos.mkdir()
        for number in range(3):
            Image.new("L", (8, 8), 40 * number).save(self.photos / f"{number}.png")
        self.codes = folder / "codes.npy"
        np.save(self.codes, np.zeros((3, 2), np.float32))

    def calls(self) -> dict[str, tuple[list[object], str, list[Path]]]:
        """Return arguments of each command without ``--out``, the suffix of its output, and its inputs."""
        model: list[object] = ["--model", self.model]
        image = self.photos / "0.png"
        read = [self.model, self.photos]
        return {
            "reconstruct": ([*model, "--data", self.photos], ".png", read),
            "encode": ([*model, "--data", self.array], ".npz", [self.model, self.array]),
            "decode": ([*model, "--codes", self.codes], ".png", [self.model, self.codes]),
            "traverse": ([*model, "--image", image], ".png", [self.model, image]),
            "grid": ([*model, "--steps", 2], ".png", [self.model]),
            "sample": ([*model, "--count", 2], ".png", [self.model]),
            "arithmetic": ([*model, "--plus", f"{self.photos}:1"], ".png", read),
            "morph": ([*model, "--keys", image, f"{self.photos}:1", "--steps", 2], ".gif", read),
            "denoise": ([*model, image], ".png", [self.model, image]),
            "train": (["--arch", "dense", "--data", self.photos, "--from", self.model], "", read),
            "import": ([self.photos / "0.png"], "", [self.photos / "0.png"]),
        }


@pytest.fixture
def driver(tmp_path: Path) -> WindowDriver:
    return WindowDriver(tmp_path)


WRITING = sorted(set(COMMANDS) - set(PRINTING) - {"tour"})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", WRITING)
def test_nothing_is_written_over_into_or_around_what_is_read(driver: WindowDriver, call: Any, command: str) -> None:
    """Also with ``--force``; nothing is changed."""
    words, suffix, read = driver.calls()[command]
    before = contents(driver.folder)
    for path in read:
        inside = [path / f"new{suffix}"] if path.is_dir() else []
        for out in (path, path.parent, *inside):
            error = call(command, *words, "--out", out, "--force").error
            assert " the input " in error, (command, out)
    assert contents(driver.folder) == before


@pytest.mark.parametrize("command", sorted(set(WRITING) - {"train", "import"}))
def test_a_file_is_replaced_only_with_force(driver: WindowDriver, call: Any, command: str) -> None:
    words, suffix, _ = driver.calls()[command]
    out = driver.folder / f"out{suffix}"
    out.write_bytes(b"the user's own")
    assert "--force" in call(command, *words, "--out", out).error
    assert out.read_bytes() == b"the user's own"
    assert call(command, *words, "--out", out, "--force").code == 0
    assert len(out.read_bytes()) > 20
    link = driver.folder / f"link{suffix}"
    link.symlink_to(driver.photos / "2.png")
    if command not in {"reconstruct", "arithmetic", "morph"}:  # these read the folder
        before = contents(driver.photos)
        assert call(command, *words, "--out", link, "--force").code == 0
        assert contents(driver.photos) == before, "a link is replaced, and not what it leads to"


def test_encoding_into_the_images_themselves_is_refused(driver: WindowDriver, call: Any) -> None:
    """The images were replaced by their codes."""
    before = driver.array.read_bytes()
    hard, soft = driver.folder / "hard.npz", driver.folder / "soft.npz"
    os.link(driver.array, hard)
    soft.symlink_to(driver.array)
    for out in (driver.array, hard, soft):
        error = call("encode", "--model", driver.model, "--data", driver.array, "--out", out, "--force").error
        assert f"Cannot write {out}: it is the input {driver.array}." in error
    assert driver.array.read_bytes() == before


def test_the_files_of_a_data_set_of_several_are_all_read(driver: WindowDriver, call: Any) -> None:
    for name, start in (("train-images-idx3-ubyte", b"\0\0\x08\x03"), ("train-labels-idx1-ubyte", b"\0\0\x08\x01")):
        sizes = (4, 8, 8) if "images" in name else (4,)
        numbers = b"".join(size.to_bytes(4, "big") for size in sizes)
        (driver.folder / name).write_bytes(start + numbers + bytes(int(np.prod(sizes))))
    words = ("train", "--arch", "dense", "--data", driver.folder / "train-images-idx3-ubyte")
    error = call(*words, "--out", driver.folder / "train-labels-idx1-ubyte", "--force").error
    assert " the input " in error


def _stranger(folder: Path) -> None:
    (folder / "holiday.jpg").write_bytes(b"a photograph")


def _subfolder(folder: Path) -> None:
    (folder / "encoder.keras").unlink()
    (folder / "encoder.keras").mkdir()
    (folder / "encoder.keras" / "holiday.jpg").write_bytes(b"a photograph")


def _no_card(folder: Path) -> None:
    (folder / "card.json").unlink()


def _other_card(folder: Path) -> None:
    (folder / "card.json").write_text('{"name": "a card of another program"}')


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"a file")


def _link(folder: Path) -> None:
    folder.rename(folder.with_name("real"))
    folder.symlink_to(folder.with_name("real"), target_is_directory=True)


@pytest.mark.parametrize("command", ["train", "import"])
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_stranger, "“holiday.jpg”"),
        (_subfolder, "“encoder.keras”"),
        (_no_card, "no card.json"),
        (_other_card, "card.json"),
        (_empty, "no card.json"),
        (_file, "a file"),
        (_link, "a link"),
    ],
)
def test_force_replaces_a_bundle_and_nothing_else(
    driver: WindowDriver, call: Any, command: str, change: Callable[[Path], None], named: str
) -> None:
    out = driver.folder / "there"
    write_bundle(out)
    words, _, _ = driver.calls()[command]
    assert "or replace it with --force" in call(command, *words, "--out", out).error
    change(out)
    before = contents(driver.folder)
    error = call(command, *words, "--out", out, "--force").error
    assert named in error
    assert "--force" not in error
    assert "--force" not in call(command, *words, "--out", out).error, "it would not help"
    assert contents(driver.folder) == before


def test_the_log_of_a_training_stays_apart_from_images_and_bundle(driver: WindowDriver, call: Any) -> None:
    words = ("train", "--arch", "dense", "--data", driver.photos, "--out", driver.folder / "new")
    for log in (driver.photos, driver.photos / "log", driver.folder):
        assert " the input " in call(*words, "--tensorboard", log).error
    for log in (driver.folder / "new", driver.folder / "new" / "log"):
        assert "--tensorboard" in call(*words, "--tensorboard", log).error
    assert "it is a file" in call(*words, "--tensorboard", driver.codes).error
    assert not (driver.folder / "new").exists()


def test_frames_replace_only_frames_and_only_with_force(driver: WindowDriver, call: Any) -> None:
    words, _, _ = driver.calls()["morph"]
    out = driver.folder / "frames"
    out.mkdir()
    assert call("morph", *words, "--out", out).code == 0, "an empty folder holds nothing to lose"
    first = contents(out)
    assert "frame-0001.png" in first
    assert "--force" in call("morph", *words, "--out", out).error
    assert contents(out) == first
    assert call("morph", *words, "--out", out, "--force").code == 0
    (out / "holiday.jpg").touch()
    assert "holiday.jpg" in call("morph", *words, "--out", out, "--force").error
    link = driver.folder / "link"
    link.symlink_to(out, target_is_directory=True)
    assert "it is not a folder of frames" in call("morph", *words, "--out", link, "--force").error


def test_clean_images_go_into_a_new_or_empty_folder(driver: WindowDriver, call: Any) -> None:
    words = ("denoise", "--model", driver.model, driver.photos)
    out = driver.folder / "clean"
    out.mkdir()
    assert call(*words, "--out", out).code == 0
    before = contents(out)
    assert len(before) == 3
    for force in ((), ("--force",)):
        error = call(*words, "--out", out, *force).error
        assert "--force" not in error
    assert contents(out) == before


def test_a_tour_writes_into_an_empty_folder_or_over_another_tour(driver: WindowDriver, call: Any) -> None:
    """Only refused cases; the tour itself tests the allowed ones."""
    out = driver.folder / "tour"
    out.mkdir()
    (out / "01-start.png").touch()
    assert "--force" in call("tour", "--out", out).error
    (out / "notes.txt").touch()
    error = call("tour", "--out", out, "--force").error
    assert "notes.txt" in error
    assert "--force" not in error
    assert "it is a file" in call("tour", "--out", driver.codes, "--force").error
