"""A model that answers NaN or infinity: said in words with its name, never drawn, never a crash."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.advice import has_advice
from explorer_testing.builders import as_floats, decoder_network, encoder_network, make_source, write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.window import PATIENCE_MS, WindowDriver
from pytestqt.qtbot import QtBot

from explorer.app import make_window
from explorer.cli.main import main
from explorer.document.view_store import FailedView
from explorer.document.views.cursor import CURSOR
from explorer.document.views.image import IMAGE, HalfView
from explorer.document.views.tiles import TILES
from explorer.errors import ModelError
from explorer.inference.codec import OnnxCodec
from explorer.inference.gate import MOST_AT_ONCE
from explorer.inference.gate.passed import keep_passed, network_key
from explorer.models.bundle import CARD, COMPILED, file_hash, open_bundle
from explorer.ui.color_map import colored, heat
from explorer.ui.panels import PANELS
from explorer.workers.loading import open_model

SAID = r"\d+ of \d+ images? from “broken” contain NaN or infinity"


def replace_network(folder: Path, name: str, content: bytes, shape: tuple[int, ...]) -> None:
    (folder / name).write_bytes(content)
    keep_passed(network_key(content, shape), MOST_AT_ONCE)
    card = json.loads((folder / CARD).read_text("utf-8"))
    card["files"][name] = file_hash(folder / name)
    (folder / CARD).write_text(json.dumps(card), "utf-8")


@pytest.fixture(params=[np.nan, np.inf])
def broken(request: pytest.FixtureRequest, explorer_home: Path) -> Path:
    """A bundle whose decoder gives a number that is none."""
    folder = explorer_home / "models" / "broken"
    codec = write_bundle(folder)
    damaged = MatrixCodec()
    damaged.basis = np.full_like(codec.basis, request.param)
    replace_network(folder, COMPILED[1], decoder_network(damaged), (2,))
    return folder


def test_a_decoder_that_gives_no_numbers_says_so(broken: Path) -> None:
    codec = OnnxCodec(open_bundle(broken))
    with pytest.raises(ModelError, match=SAID) as caught:
        codec.decode(np.ones((3, 2), np.float32))
    assert has_advice(caught.value)


def test_only_the_images_concerned_are_counted(broken: Path) -> None:
    """Large numbers overflow where small ones do not."""
    codec = MatrixCodec()
    codec.basis = np.full_like(codec.basis, 1e30)
    replace_network(broken, COMPILED[1], decoder_network(codec), (2,))
    made = OnnxCodec(open_bundle(broken))
    assert np.isfinite(made.decode(np.zeros((2, 2), np.float32))).all()
    with pytest.raises(ModelError, match="1 of 3 images from"):
        made.decode(np.array([[0, 0], [1e20, 1e20], [1, 1]], np.float32))


def test_an_encoder_that_gives_no_numbers_says_so(broken: Path) -> None:
    codec = MatrixCodec()
    codec.basis = np.full_like(codec.basis, np.nan)
    replace_network(broken, COMPILED[0], encoder_network(codec), (12, 10, 1))
    with pytest.raises(ModelError, match="3 codes from “broken” contain NaN or infinity"):
        OnnxCodec(open_bundle(broken)).encode(np.ones((3, 12, 10, 1), np.float32))


@pytest.mark.parametrize(
    "words",
    [
        "sample --model broken --count 4 --out {out}.png",
        "grid --model broken --steps 3 --out {out}.png",
        "traverse --model broken --dim 0 --out {out}.png",
        "decode --model broken --codes {codes} --out {out}.png",
        "morph --model broken --keys {data}:0 {data}:1 --out {out}.gif",
        "reconstruct --model broken --data {data} --count 2 --out {out}.png",
        "evaluate --model broken --data {data}",
    ],
    ids=lambda words: words.split()[0],
)
def test_every_command_says_so_in_one_line(
    broken: Path, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "codes.npy", np.eye(2, dtype=np.float32))
    images = make_source().read(np.arange(30), open_bundle(broken).card.preprocessing)
    np.savez(tmp_path / "data.npz", images=images[..., 0])
    places = {"out": tmp_path / "out", "codes": tmp_path / "codes.npy", "data": tmp_path / "data.npz"}
    assert main(words.format(**places).split()) == 2
    received = capsys.readouterr()
    assert re.match(f"error: {SAID}", received.err)
    assert received.err.count("\n") == 1
    assert not list(tmp_path.glob("out*"))


@pytest.fixture
def driver(qapp: object, qtbot: QtBot) -> Iterator[WindowDriver]:
    driver = WindowDriver(make_window(), qtbot)
    yield driver
    driver.close()


def test_the_window_says_so_in_the_place_of_the_image(broken: Path, driver: WindowDriver) -> None:
    document = driver.document
    document.open(open_model(broken), make_source())
    driver.bot.waitUntil(lambda: isinstance(document.views[CURSOR], FailedView), timeout=PATIENCE_MS)
    view = document.views[IMAGE]
    assert isinstance(view, HalfView)
    assert re.search(SAID, str(view.problem))
    stage = driver.window.stage
    assert stage.original.image is not None
    for frame in (stage.reconstruction, stage.error, stage.edited):
        assert frame.image is None
        assert re.search(SAID, frame.text)
    driver.document.set_code(as_floats(1, 1))
    for panel in PANELS:
        driver.window.show_panel(panel.name)
        driver.bot.wait(1)
    driver.bot.waitUntil(lambda: isinstance(document.views[TILES], FailedView), timeout=PATIENCE_MS)


def test_color_maps_take_what_is_no_number() -> None:
    odd = np.array([[0.0, np.nan, np.inf, -np.inf]], np.float32)
    assert heat(odd).tolist()[0] == [[0, 0, 4], [252, 255, 164], [252, 255, 164], [0, 0, 4]]
    assert colored(odd, (-1.0, 1.0)).shape == (1, 4, 3)
