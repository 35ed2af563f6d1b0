"""Every file operation fails in turn, wherever the program writes: the old file or the new one, never half of one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_card, make_model, make_source
from explorer_testing.codec import MatrixCodec
from explorer_testing.faults import Operation, fail_each
from explorer_testing.programs import run_python
from explorer_testing.training import blobs, small_request, write_images

from explorer.data.pixel_cache import PixelCache
from explorer.data.preprocessing import Preprocessing
from explorer.document.document import Document
from explorer.document.preferences import PreferencesFile, heal
from explorer.document.session_file import Session, read_session, write_session
from explorer.document.session_state import session_of
from explorer.export import ExportSettings, format_of
from explorer.export.recipe import make_recipe
from explorer.export.recipe_file import read_recipe
from explorer.export.table import write_csv
from explorer.latent.animation import AnimationSettings
from explorer.latent.directions import Direction
from explorer.latent.neighbors import NeighborIndex
from explorer.models.direction_file import read_directions, write_directions
from explorer.models.recent import note_recent, recent_sessions
from explorer.models.runs import RunWriter, find_runs, read_strip
from explorer.paths import HOME_VARIABLE, recent_path

NOW = datetime(2026, 3, 14, 9, 26, 53)
RECIPE = Preprocessing.standard((8, 8, 1))


def nothing(folder: Path) -> None:
    """There is no older file."""


# -- files of the user -------------------------------------------------------------------------------------------------


def session(*codes: float) -> Session:
    document = Document()
    document.open(make_model(), make_source())
    document.set_code(as_floats(*codes))
    return session_of(document.state)


def cursor_in(path: Path) -> list[float] | None:
    if not path.exists():
        return None
    cursor: list[float] = read_session(path)[0].arrays["cursor"].tolist()
    return cursor


def directions(folder: Path, length: float) -> None:
    way = Direction(as_floats(length, 1), "means", (10, 9), 0.9, 1.0, (0.5, 0.1), 0.01)
    write_directions(folder / "some.directions", make_card(MatrixCodec()), {"way": way})


def first_direction(folder: Path) -> list[float] | None:
    path = folder / "some.directions"
    return read_directions(path, make_card(MatrixCodec()))["way"].vector.tolist() if path.exists() else None


def codes(folder: Path, count: int) -> None:
    write_csv(folder / "table.csv", ("a", "b"), [(number, "x" * 3000) for number in range(count)])


def text_in(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).read_text("utf-8") if (folder / name).exists() else None


SESSION = Operation(
    lambda folder: write_session(folder / "work.latent", session(2, 2)),
    lambda folder: cursor_in(folder / "work.latent"),
    lambda folder: write_session(folder / "work.latent", session(1, 1)),
)
DIRECTIONS = Operation(lambda folder: directions(folder, 2), first_direction, lambda folder: directions(folder, 1))
TABLE = Operation(lambda folder: codes(folder, 20), text_in("table.csv"), lambda folder: codes(folder, 10))


@pytest.mark.parametrize("operation", [SESSION, DIRECTIONS, TABLE], ids=["session", "directions", "table"])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_a_file_of_the_user_is_the_old_one_or_the_new_one(operation: Operation, lasting: bool, tmp_path: Path) -> None:
    assert fail_each(operation, tmp_path, lasting=lasting) >= 3


def export(path: Path, count: int) -> None:
    frames = [np.full((8, 8, 3), 40 * number, np.uint8) for number in range(count)]
    animation = AnimationSettings(steps=4).animation(count)
    recipe = make_recipe("tiny", "0" * 64, np.ones((count, 2), np.float32), animation.to_dict())
    for _ in format_of(path).write(iter(frames), count, path, ExportSettings(10, True, recipe=recipe)):
        pass


def keys_in(path: Path) -> int | None:
    if not path.exists():
        # A folder that could neither be replaced nor put back is kept under another name, which the error tells.
        for kept in path.parent.glob(f".{path.name}.*.old"):
            return keys_in(kept)
        return None
    recipe = read_recipe(path)
    assert recipe is not None, "half a file: it has no recipe"
    return len(recipe.key_codes())


@pytest.mark.parametrize("name", ["m.gif", "m.webp", "m.apng", "m.png", "m.mp4", "frames"])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_an_export_is_the_old_one_or_the_new_one(name: str, lasting: bool, tmp_path: Path) -> None:
    if name.endswith("mp4"):
        pytest.importorskip("av", reason="MP4 is an extra")
    operation = Operation(
        lambda folder: export(folder / name, 4),
        lambda folder: keys_in(folder / name),
        lambda folder: export(folder / name, 3),
        leftovers=("**/*.part",) if lasting and name == "frames" else Operation.leftovers,
    )
    assert fail_each(operation, tmp_path, most=25, lasting=lasting) >= 1


# -- what the program keeps for itself ---------------------------------------------------------------------------------


def at_home(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], object], content: Callable[[Path], object]
) -> Operation:
    """Return an operation whose folder is the user's folder; its failures are passed over."""

    def moved(step: Callable[[Path], object]) -> Callable[[Path], object]:
        def done(folder: Path) -> object:
            monkeypatch.setenv(HOME_VARIABLE, str(folder))
            return step(folder)

        return done

    return Operation(moved(act), moved(content), moved(nothing), silent=True)


def test_settings_hold_on_though_they_cannot_be_written(tmp_path: Path) -> None:
    def put(folder: Path, scheme: str) -> None:
        settings = PreferencesFile(folder / "settings.json")
        settings.put(scheme=scheme)
        assert settings.values.scheme == scheme, "they hold until the program ends"

    def scheme_in(folder: Path) -> str:
        values, notes = heal(folder / "settings.json")
        assert not notes, notes
        return values.scheme

    operation = Operation(
        lambda folder: put(folder, "dark"), scheme_in, lambda folder: put(folder, "light"), silent=True
    )
    assert fail_each(operation, tmp_path) >= 3


def test_the_list_of_sessions_is_only_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.latent").touch()
    operation = at_home(
        monkeypatch,
        lambda folder: note_recent(tmp_path / "one.latent"),
        lambda folder: recent_sessions() if recent_path().exists() else [],
    )
    assert fail_each(operation, tmp_path / "homes") >= 3


def test_a_pixel_cache_never_tells_wrong_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(1, 256, (6, 8, 8, 1), dtype=np.uint8)
    rows, stamps = np.arange(6), np.arange(1, 7).astype(np.uint64)

    def store(folder: Path) -> None:
        cache = PixelCache("set", RECIPE, 6)
        try:
            cache.store(rows, stamps, pixels)
        except OSError:
            return  # as `explorer.data.sources.files` takes it
        finally:
            cache.release()

    def known(folder: Path) -> bool:
        cache, out = PixelCache("set", RECIPE, 6), np.zeros_like(pixels)
        found = cache.load(rows, stamps, out)
        cache.release()
        np.testing.assert_array_equal(out[found], pixels[found])
        return bool(found.all())

    assert fail_each(at_home(monkeypatch, store, known), tmp_path / "homes") >= 4


def test_an_index_that_cannot_be_kept_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)

    def nearest(folder: Path) -> None:
        found = NeighborIndex(codes, "hnsw", folder=folder / "indexes").search(codes[:5], 1)
        np.testing.assert_array_equal(found.indices[:, 0], np.arange(5))

    assert fail_each(at_home(monkeypatch, nearest, lambda folder: None), tmp_path / "homes") >= 2


def test_a_run_goes_on_though_its_log_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strip = blobs(3, (8, 8, 1))

    def begin(folder: Path) -> None:
        if not find_runs():
            RunWriter.create(small_request(folder / "data.npz", folder / "new"), NOW)

    def train(folder: Path) -> None:
        writer = RunWriter(find_runs()[0].path)
        for epoch in (1, 2):
            writer.log("epoch", epoch=epoch, loss=2.0, val_loss=3.0)
            writer.add_frame(epoch, strip, strip)

    def is_complete(folder: Path) -> bool:
        """Whether all is there; a point of the curve or a frame may be missing, none may be damaged."""
        (run,) = find_runs()
        for frame in run.progress_frames:
            np.testing.assert_array_equal(read_strip(frame.path), strip)
        return len(run.curve) >= 2 and len(run.progress_frames) == 2

    operation = at_home(monkeypatch, train, is_complete)
    operation = Operation(operation.act, operation.content, at_home(monkeypatch, begin, is_complete).act, silent=True)
    assert fail_each(operation, tmp_path / "homes") >= 5


TRAINING = """
import json, sys
from pathlib import Path

from explorer.engine import train as training
from explorer.engine.train import train
from explorer.errors import ExplorerError
from explorer.models.bundle import open_bundle
from explorer_testing.faults import ERRORS, Faults, failing
from explorer_testing.training import small_request

data, out, most = json.loads(sys.argv[1])
# A checkpoint after the first epoch, however quick it was.
training.CHECKPOINT_SECONDS, training.CHECKPOINT_SHARE = 0.0, 1.0

def run(place, **changes):
    events = []
    try:
        for event in train(small_request(Path(data), place / "new", epochs=2, batch=40, limit=40, **changes)):
            events.append(type(event).__name__)
    except ExplorerError as error:
        events.append("error: " + str(error))
    return events

with failing(Faults(Path(out, "clean"))) as counted:
    clean = run(Path(out, "clean"))
total = len(counted.calls)
results = []
checkpoints = [number for number, call in enumerate(counted.calls) if "checkpoint" in call][:2]
for turn in sorted({round(n * (total - 1) / (most - 1)) for n in range(most)} | set(checkpoints)):
    place = Path(out, str(turn))
    with failing(Faults(place, turn, ERRORS[turn % 3])) as faults:
        events = run(place)
    whole = (place / "new").is_dir()
    if whole:
        open_bundle(place / "new")
    left = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
    again = run(place, resume=(place / "new.checkpoint").is_dir()) if not whole else []
    results.append([faults.calls[turn] if faults.struck else "nothing", events, left, again[-1:]])
print(json.dumps([clean, counted.calls, results]))
"""


@pytest.mark.engine
def test_a_training_ends_with_a_model_or_can_be_resumed(tmp_path: Path) -> None:
    data = write_images(tmp_path / "blobs.npz", 40, 10)
    clean, calls, results = run_python(TRAINING, [str(data), str(tmp_path / "out"), 10])
    assert clean[-1] == "Finished"
    assert len(results) >= 8
    for call, events, left, again in results:
        where = f"{call} failed: {events}, left {left}"
        assert events[-1] == "Finished" or events[-1].startswith("error: "), where
        assert {name.removeprefix(".").removeprefix("new") for name in left} <= {"", ".checkpoint", ".lock"}, where
        assert events[-1] == "Finished" or again == ["Finished"], f"{where}, then {again}"
    assert any("Trouble" in events for _, events, _, _ in results), calls
