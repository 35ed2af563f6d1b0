"""A document with its background work, on tiny bundles on disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_source, write_bundle
from explorer_testing.codec import Gate, MatrixCodec
from PIL import Image
from pytestqt.qtbot import QtBot

from explorer import paths
from explorer.data.pixel_cache import cache_size
from explorer.data.source import Source
from explorer.data.sources import KNOWN, held_out_source, known_sources, open_source
from explorer.document.document import Document, Problem
from explorer.document.open_requests import OpenRequest
from explorer.document.state import OpenModel
from explorer.document.timeline import Export
from explorer.document.views.image import IMAGE, ImageView
from explorer.models.bundle import COMPILED
from explorer.workers import loading, opening
from explorer.workers.backend import Backend
from explorer.workers.downloads import clearing
from explorer.workers.loading import home_source, open_model


@pytest.fixture
def backend(qapp: object) -> Iterator[Backend]:
    made = Backend(Document())
    yield made
    made.close()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "tiny")
    return tmp_path / "tiny"


def problems_of(document: Document) -> list[Problem]:
    problems: list[Problem] = []
    document.problem_reported.connect(problems.append)
    return problems


def name_of(document: Document) -> str | None:
    return None if document.model is None else document.model.name


def settled(document: Document) -> bool:
    return isinstance(document.views[IMAGE], ImageView) and document.code is not None and not document.jobs


def test_a_model_opens_as_a_job(backend: Backend, bundle: Path, qtbot: QtBot) -> None:
    document = backend.document
    document.open(source=make_source())
    document.open_requested.emit(OpenRequest((bundle,), "model"))
    assert [str(job.title) for job in document.jobs] == ["Opening tiny"]
    qtbot.waitUntil(lambda: settled(document))
    assert name_of(document) == "tiny"
    assert str(document.undo_label) == "Open tiny"


def test_a_damaged_bundle_says_why_and_leaves_the_last_model_working(
    backend: Backend, bundle: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    document = backend.document
    problems = problems_of(document)
    document.open(open_model(bundle), make_source())
    qtbot.waitUntil(lambda: settled(document))
    before = document.state
    write_bundle(tmp_path / "broken")
    (tmp_path / "broken" / COMPILED[0]).write_bytes(b"damaged")
    document.open_requested.emit(OpenRequest((tmp_path / "broken",), "model"))
    qtbot.waitUntil(lambda: bool(problems))
    assert "encoder.onnx" in str(problems[0].message)
    assert document.state is before
    assert document.jobs == ()
    document.choose_image(4)
    qtbot.waitUntil(lambda: settled(document))


def test_images_that_cannot_be_read_say_why(backend: Backend, tmp_path: Path, qtbot: QtBot) -> None:
    document = backend.document
    problems = problems_of(document)
    document.open_requested.emit(OpenRequest((str(tmp_path / "nowhere"),), "images"))
    qtbot.waitUntil(lambda: bool(problems))
    assert "nowhere" in str(problems[0].message)
    assert document.source is None


def test_images_open(backend: Backend, tmp_path: Path, qtbot: QtBot) -> None:
    np.save(tmp_path / "some.npy", np.zeros((4, 9, 9), np.uint8))
    backend.document.open_requested.emit(OpenRequest((str(tmp_path / "some.npy"),), "images"))
    qtbot.waitUntil(lambda: backend.document.source is not None)
    assert backend.document.source is not None
    assert backend.document.source.count == 4
    assert backend.document.state.image_index == 0


def test_the_model_that_was_asked_for_last_is_the_one_that_opens(
    backend: Backend, bundle: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    document = backend.document
    document.open(source=make_source())
    for number in range(5):
        write_bundle(tmp_path / f"number {number}", MatrixCodec(seed=number))
    for number in range(5):
        document.open_requested.emit(OpenRequest((tmp_path / f"number {number}",), "model"))
    qtbot.waitUntil(lambda: name_of(document) == "number 4" and settled(document))


def test_the_last_request_wins_whatever_it_was_requested_as(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    document, gate, opened = backend.document, Gate(), list[str | None]()
    document.open(source=make_source())
    for name in ("slow", "fast"):
        write_bundle(tmp_path / name)

    def waiting(path: Path) -> OpenModel:
        if path.name == "slow":
            gate.pass_through()
        return open_model(path)

    monkeypatch.setattr(loading, "open_model", waiting)
    document.changed.model.connect(lambda: opened.append(name_of(document)))
    document.open_requested.emit(OpenRequest((tmp_path / "slow",)))
    gate.wait_until_entered()
    document.open_requested.emit(OpenRequest((tmp_path / "fast",), "model"))
    qtbot.waitUntil(lambda: opened == ["fast"])
    gate.open()
    qtbot.waitUntil(lambda: not document.jobs)
    assert opened == ["fast"]


def test_a_request_is_not_repeated_while_it_runs(backend: Backend, bundle: Path, tmp_path: Path, qtbot: QtBot) -> None:
    document = backend.document
    document.open(source=make_source())
    write_bundle(tmp_path / "other")
    one, other = OpenRequest((bundle,)), OpenRequest((tmp_path / "other",))
    for request in (one, one):
        document.open_requested.emit(request)
    assert len(document.jobs) == 1
    for request in (other, one):
        document.open_requested.emit(request)
    qtbot.waitUntil(lambda: settled(document))
    assert name_of(document) == "tiny"


def test_images_that_cannot_be_copied_keep_nothing_else_from_opening(
    backend: Backend, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    document = backend.document
    problems = problems_of(document)
    document.open(source=make_source())
    monkeypatch.setattr(opening, "_MOST", 1)
    images = [tmp_path / f"{number}.png" for number in range(2)]
    for path in images:
        Image.new("L", (9, 9)).save(path)
    document.open_requested.emit(OpenRequest((bundle, *images)))
    qtbot.waitUntil(lambda: name_of(document) == "tiny" and bool(problems) and settled(document))
    assert "Cannot import 2 images at once" in str(problems[0].message)


def test_images_that_are_shown_before_they_are_checked_can_be_opened_again_after_undo(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    document, gate = backend.document, Gate()
    listed, whole = make_source(5, name="listed"), make_source(4, name="whole")
    listed.provisional = True

    def checked(spec: object) -> Iterator[Source]:
        yield listed
        gate.pass_through()
        yield whole

    monkeypatch.setattr(opening, "opening", checked)
    document.open(source=make_source())
    request = OpenRequest((tmp_path,), "images")
    document.open_requested.emit(request)
    qtbot.waitUntil(lambda: document.source is listed)
    document.undo()
    assert document.source is not listed
    document.open_requested.emit(request)
    qtbot.waitUntil(lambda: document.source is listed)
    gate.open()
    qtbot.waitUntil(lambda: not document.jobs and document.source is whole)


def test_a_models_own_images_come_with_it_but_never_replace_the_users(
    backend: Backend, qtbot: QtBot, tmp_path: Path
) -> None:
    document = backend.document
    document.open_requested.emit(OpenRequest((paths.pretrained_dir() / "digits-vae-2d",), "model"))
    qtbot.waitUntil(lambda: settled(document))
    assert document.source is not None
    assert document.source.name == "digits"
    document.open_requested.emit(OpenRequest((paths.pretrained_dir() / "glyphs-vae-2d",), "model"))
    qtbot.waitUntil(lambda: name_of(document) == "glyphs-vae-2d" and settled(document))
    assert document.source.name == "glyphs"
    mine = make_source(name="mine")
    document.open(source=mine)
    document.open_requested.emit(OpenRequest((paths.pretrained_dir() / "digits-vae-2d",), "model"))
    qtbot.waitUntil(lambda: name_of(document) == "digits-vae-2d" and settled(document))
    assert document.source is mine


def test_switching_between_models_of_the_same_images_keeps_the_image(backend: Backend, qtbot: QtBot) -> None:
    document = backend.document
    document.open_requested.emit(OpenRequest((paths.pretrained_dir() / "digits-vae-2d",), "model"))
    qtbot.waitUntil(lambda: settled(document))
    document.choose_image(17)
    source = document.source
    document.open_requested.emit(OpenRequest((paths.pretrained_dir() / "digits-deep-49",), "model"))
    qtbot.waitUntil(lambda: name_of(document) == "digits-deep-49" and settled(document))
    assert document.source is source
    assert document.state.image_index == 17


def test_home_images_are_known_by_what_the_model_was_trained_on(bundle: Path) -> None:
    assert home_source(open_model(bundle)) is None
    assert home_source(open_model(paths.pretrained_dir() / "digits-deep-49")) == "digits"
    assert home_source(open_model(paths.pretrained_dir() / "glyphs-vae-2d")) == "glyphs"
    assert held_out_source("mnist") == "digits"
    embedded = {entry.name for entry in known_sources() if entry.status == "embedded"}
    assert {known.name for known in KNOWN if known.held_out_of} == embedded
    assert all(held_out_source(name) == name for name in embedded)


def test_the_morph_is_exported_frame_for_frame(backend: Backend, bundle: Path, tmp_path: Path, qtbot: QtBot) -> None:
    document = backend.document
    document.open(open_model(bundle), make_source())
    for code in (as_floats(0, 0), as_floats(2, -2)):
        document.set_code(code)
        document.timeline.add()
    target = tmp_path / "morph.gif"
    written: list[Path] = []
    document.exported.connect(written.append)
    document.timeline.export_requested.emit(Export(target))
    qtbot.waitUntil(lambda: written == [target])
    with Image.open(target) as animation:
        assert animation.n_frames == document.timeline.frames == 216
        scale = 256 // 12
        assert animation.size == (10 * scale, 12 * scale)
        animation.seek(18 + 89)
        shown = np.asarray(animation.convert("L"))[::scale, ::scale]
    expected = np.rint(MatrixCodec().decode(as_floats(2, -2)[None])[0, :, :, 0].clip(0, 1) * 255)
    assert np.abs(shown - expected).max() <= 1


def test_exporting_nothing_is_refused_in_words(backend: Backend, bundle: Path, tmp_path: Path, qtbot: QtBot) -> None:
    document = backend.document
    problems = problems_of(document)
    document.open(open_model(bundle), make_source())
    qtbot.waitUntil(lambda: settled(document))
    document.timeline.add()
    document.timeline.export_requested.emit(Export(tmp_path / "morph.gif"))
    assert "two keyframes" in str(problems[0].message)
    assert not (tmp_path / "morph.gif").exists()


@pytest.mark.parametrize("name", ["nowhere/morph.gif", "morph.xyz"])
def test_an_export_that_cannot_be_written_says_why(
    backend: Backend, bundle: Path, tmp_path: Path, qtbot: QtBot, name: str
) -> None:
    document = backend.document
    problems = problems_of(document)
    document.open(open_model(bundle), make_source())
    document.set_code(as_floats(0, 0))
    document.timeline.add()
    document.timeline.add()
    document.timeline.export_requested.emit(Export(tmp_path / name))
    qtbot.waitUntil(lambda: bool(problems))
    assert name.split("/", maxsplit=1)[0] in str(problems[0].message)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny"]


def test_a_cancelled_export_leaves_nothing(backend: Backend, bundle: Path, tmp_path: Path, qtbot: QtBot) -> None:
    document = backend.document
    problems = problems_of(document)
    document.open(open_model(bundle), make_source())
    document.set_code(as_floats(0, 0))
    document.timeline.add()
    document.set_code(as_floats(1, 1))
    document.timeline.add()
    document.timeline.set_animation_settings(replace(document.state.animation, steps=1000))
    document.timeline.export_requested.emit(Export(tmp_path / "morph.gif"))
    document.job_cancel_requested.emit(document.jobs[-1].key)
    qtbot.waitUntil(lambda: not document.jobs)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny"]
    assert problems == []


def test_closing_in_the_middle_of_everything_ends_it(bundle: Path, tmp_path: Path, qapp: object) -> None:
    """The guards check that no thread remains."""
    for _ in range(5):
        backend = Backend(Document())
        document = backend.document
        document.open(open_model(bundle), make_source())
        document.set_code(as_floats(0, 0))
        document.timeline.add()
        document.timeline.add()
        document.timeline.set_animation_settings(replace(document.state.animation, steps=1000))
        document.timeline.export_requested.emit(Export(tmp_path / "morph.gif"))
        document.open_requested.emit(OpenRequest((bundle,), "model"))
        document.open_requested.emit(OpenRequest(("digits",), "images"))
        backend.close()
        backend.close()
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_clearing_the_cache_frees_unpacked_archives_too(explorer_home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "letters.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for number in range(3):
            content = io.BytesIO()
            Image.effect_noise((40, 40), 50).save(content, "PNG")
            file.writestr(f"{number}.png", content.getvalue())
    assert open_source(archive).count == 3
    assert cache_size() > 0
    *_, left = clearing()
    assert left == cache_size() == 0
    assert open_source(archive).count == 3, "it is unpacked again"
