"""Readers of models, sessions, recipes, runs, settings and other files of the program."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from explorer_testing.builders import as_floats, make_card, make_model, make_source, write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.training import blobs, small_request

from explorer.cli.inputs import read_codes
from explorer.document.animation import with_animation
from explorer.document.document import Document
from explorer.document.preferences import Preferences, PreferencesFile, heal
from explorer.document.session_file import read_session, write_session
from explorer.document.session_record import ViewRecord
from explorer.document.session_state import imported_image_of, picked_of, session_of, state_of
from explorer.document.state import OpenModel, State
from explorer.engine.codecs import open_codec
from explorer.export import FORMATS, ExportSettings, format_of
from explorer.export.recipe import make_recipe
from explorer.export.recipe_file import read_recipe
from explorer.inference.gate.check import vouch
from explorer.latent.animation import Animation, AnimationSettings, Segment
from explorer.latent.animation_presets import AnimationPreset
from explorer.latent.directions import Direction
from explorer.latent.neighbors import NeighborIndex
from explorer.models.bundle import CARD, CODES, COMPILED, open_bundle, seal
from explorer.models.card import read_card
from explorer.models.direction_file import SUFFIX, read_directions, write_directions
from explorer.models.recent import note_recent, recent_sessions
from explorer.models.runs import RunWriter, find_runs, originals_of, read_run, read_strip
from explorer.models.third_party.files import dangers_of, looks_third_party
from explorer.models.third_party.reading import ThirdPartyFile, _parsed, read_third_party
from explorer.models.third_party.rewriting import rewrite
from explorer.paths import recent_path, runs_dir
from fuzzing.reader import Reader

_ZIP_RECORD, _ZIP_ARRAYS = "session.json", "arrays.npz"


@cache
def _model() -> OpenModel:
    return make_model()


# -- bundles -----------------------------------------------------------------------------------------------------------


_BUNDLES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "plain": ((8, 8, 1), (2,)),
    "variational": ((6, 6, 3), (3,)),
}
"""Shapes of an image and of a code."""


def _make_bundle(folder: Path) -> None:
    write_bundle(folder / "plain", MatrixCodec((8, 8, 1), 2))
    write_bundle(folder / "variational", MatrixCodec((6, 6, 3), 3, variational=True))


def _read_known_bundle(path: Path) -> None:
    """Read the card and the codes of a bundle whose networks are already checked."""
    for network, shape in zip(COMPILED, _BUNDLES[path.name], strict=True):
        vouch((path / network).read_bytes(), shape)
    _read_bundle(path)


def _read_bundle(path: Path) -> None:
    """List and open a bundle, encode and decode."""
    open_bundle(path, whole=False)
    bundle = open_bundle(path)
    _ = bundle.sample
    codec = open_codec(bundle)
    codec.encode(np.full((2, *codec.image_shape), 0.5, np.float32))
    codec.decode(np.zeros((2, codec.latent_dim), np.float32))


def _reseal(path: Path) -> None:
    """Repair the checksums in the card."""
    seal(path, read_card((path / CARD).read_bytes(), str(path)))


# -- sessions ----------------------------------------------------------------------------------------------------------


def _make_session(folder: Path) -> None:
    document = Document()
    document.open(_model(), make_source())
    codes = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    for code in codes[:3]:
        document.set_code(code)
        document.timeline.add()
    document.timeline.set_segment(1, Segment(12, "slerp", "ease"))
    for code in codes[3:]:
        document.set_code(code)
        document.bookmarks.add()
    document.open(replace(_model(), path=Path("other")))
    document.set_code(codes[0])
    document.timeline.add()
    write_session(folder / "work.latent", session_of(document.state, view=ViewRecord(workspace="map", stage="swipe")))


def _read_session(path: Path) -> None:
    session, _ = read_session(path)
    model, source = _model(), make_source()
    state_of(session, model, source, imported_image_of(session))
    picked_of(session, source)


def _reseal_session(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    record = json.loads(parts[_ZIP_RECORD])
    record["checksum"] = hashlib.sha256(parts[_ZIP_ARRAYS]).hexdigest()
    parts[_ZIP_RECORD] = json.dumps(record).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


# -- recipes in animations ---------------------------------------------------------------------------------------------


def _recipe_maker(suffix: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        animation = AnimationSettings(steps=4).animation(3)
        recipe = make_recipe("tiny", "0" * 64, np.eye(3, 2, dtype=np.float32), animation.to_dict())
        frames = list(np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8))
        target = folder / f"morph{suffix}"
        for _ in format_of(target).write(iter(frames), 4, target, ExportSettings(10, True, recipe=recipe)):
            pass

    return make


def _read_recipe(path: Path) -> None:
    recipe = read_recipe(path)
    if recipe is not None:
        with_animation(
            State(), _model(), AnimationPreset(recipe.key_codes(), Animation.from_dict(recipe.animation.model_dump()))
        )


# -- small files -------------------------------------------------------------------------------------------------------


def _make_directions(folder: Path) -> None:
    directions = {
        f"way {n}": Direction(as_floats(n, 1), "means", (10, 9), 0.9, 1.0, (0.5, 0.1), 0.01) for n in range(3)
    }
    write_directions(folder / f"some{SUFFIX}", make_card(MatrixCodec()), directions)


def _make_settings(folder: Path) -> None:
    PreferencesFile(folder / "settings.json").put(scheme="dark", geometry="AAAA", recent_commands=("undo",))
    (folder / "defaults.json").write_text(Preferences().model_dump_json(), encoding="utf-8")


def _make_recent(folder: Path) -> None:
    for name in "ab":
        note_recent(folder / f"{name}.latent")
    (folder / "recent.json").write_bytes(recent_path().read_bytes())


def _read_recent(path: Path) -> None:
    recent_path().parent.mkdir(parents=True, exist_ok=True)
    recent_path().write_bytes(path.read_bytes())
    recent_sessions()
    note_recent(path)


def _make_codes(folder: Path) -> None:
    np.save(folder / "codes.npy", np.eye(4, 2, dtype=np.float32))
    np.savez(folder / "codes.npz", codes=np.eye(4, 2, dtype=np.float32))


# -- runs --------------------------------------------------------------------------------------------------------------


def _make_run(folder: Path) -> None:
    writer = RunWriter.create(small_request(folder / "data.npz", folder / "new", architecture="vae"), datetime.now())
    writer.log("started", first_epoch=1)
    parts = {"reconstruction": 8.0, "kl": 1.0, "val_reconstruction": 9.0, "val_kl": 0.5}
    for epoch in (1, 2):
        writer.log("epoch", epoch=epoch, loss=9.0, val_loss=9.5, seconds=2.5, rate=800.0, parts=parts, kl_per_dim=[0.5])
        writer.add_frame(epoch, blobs(3, (8, 8, 1)), blobs(3, (8, 8, 1)))
    writer.log("finished", metrics={"mse": 0.25}, model="new")
    writer.path.rename(folder / "run")


def _read_run(path: Path) -> None:
    runs_dir().mkdir(parents=True, exist_ok=True)
    (runs_dir() / "this").symlink_to(path)
    find_runs()
    run = read_run(path)
    for strip in (originals_of(path), *(frame.path for frame in run.progress_frames)):
        read_strip(strip)


# -- saved indexes -----------------------------------------------------------------------------------------------------


def _codes() -> Any:
    return np.random.default_rng(5).normal(size=(60, 4)).astype(np.float32)


def _make_neighbor_index(folder: Path) -> None:
    for kind in ("hnsw", "lsh"):
        (folder / kind).mkdir()
        NeighborIndex(_codes(), kind, folder=folder / kind)


def _read_neighbor_index(path: Path) -> None:
    kind: Any = path.name
    found = NeighborIndex(_codes(), kind, folder=path).search(_codes()[:4], 3)
    assert (found.indices < 60).all(), "a neighbor index out of range"


# -- third-party models ------------------------------------------------------------------------------------------------


def _layer(kind: str, inputs: str = "", **config: Any) -> dict[str, Any]:
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 4], "keras_history": [inputs, 0, 0]}}
    nodes = [{"args": [tensor], "kwargs": {}}] if inputs else []
    return {
        "module": "keras.layers",
        "class_name": kind,
        "name": config["name"],
        "config": config,
        "inbound_nodes": nodes,
    }


def _config() -> dict[str, Any]:
    layers = [
        _layer("InputLayer", batch_shape=[None, 4], name="given", dtype="float32"),
        _layer("Dense", "given", units=2, activation="relu", name="code"),
        _layer("Dense", "code", units=4, activation="sigmoid", name="image"),
    ]
    inside = {"name": "m", "layers": layers, "input_layers": [["given", 0, 0]], "output_layers": [["image", 0, 0]]}
    return {"module": "keras.src.models.functional", "class_name": "Functional", "config": inside}


def _weights(file: Any) -> None:
    for name, shape in {"code": (4, 2), "image": (2, 4)}.items():
        group = file.create_group(name)
        group["kernel:0"], group["bias:0"] = np.ones(shape, "f4"), np.zeros(shape[1:], "f4")
        group.attrs["weight_names"] = [b"kernel:0", b"bias:0"]


def _make_hdf5(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "legacy.h5", "w") as file:
        file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(_config()), "2.15.0"
        file.attrs["backend"] = "tensorflow"
        _weights(file.create_group("model_weights"))


def _make_keras(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "weights.h5", "w") as file:
        _weights(file.create_group("layers"))
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(_config()))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1", "date_saved": "2026-01-01"}))
        archive.write(folder / "weights.h5", "model.weights.h5")
    (folder / "weights.h5").unlink()


def _read_third_party(path: Path) -> None:
    looks_third_party(path)
    file = read_third_party(path)
    dangers_of(file)
    rewrite(file)


def _make_config(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps(_config()), encoding="utf-8")


def _read_config(path: Path) -> None:
    """Check a description as it comes from the reader process, without starting one per input."""
    file = ThirdPartyFile(path, "keras", "3.15.1", _parsed(path.read_text("utf-8", "replace"), path))
    dangers_of(file)
    rewrite(file)


READERS: tuple[Reader, ...] = (
    Reader("bundle-card", _make_bundle, _read_known_bundle, (CARD,), _reseal),
    Reader("bundle-codes", _make_bundle, _read_known_bundle, (CODES,), _reseal),
    Reader("bundle-onnx", _make_bundle, _read_bundle, COMPILED, _reseal),
    Reader("session", _make_session, _read_session, repair=_reseal_session),
    *(Reader(f"recipe-{suffix[1:]}", _recipe_maker(suffix), _read_recipe) for suffix in FORMATS),
    Reader("directions", _make_directions, lambda path: read_directions(path, make_card(MatrixCodec()))),
    Reader("settings", _make_settings, heal),
    Reader("recent", _make_recent, _read_recent),
    Reader("codes", _make_codes, lambda path: read_codes(path, make_card(MatrixCodec()))),
    Reader("run", _make_run, _read_run),
    Reader("neighbor-index", _make_neighbor_index, _read_neighbor_index),
    Reader("hdf5", _make_hdf5, _read_third_party),
    Reader("keras", _make_keras, _read_third_party),
    Reader("keras-config", _make_config, _read_config),
)
