"""From a file that was read as data to a Keras model, in whichever Keras understands it."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import h5py

from explorer.engine.foreign.clean_copy import Sizes, copy_weights
from explorer.engine.foreign.weight_limit import weights_within
from explorer.errors import ExplorerError, ModelError
from explorer.models.foreign.builtin import SAMPLING
from explorer.models.foreign.files import dangers_of
from explorer.models.foreign.layout import CONFIG_FILE, METADATA_FILE, WEIGHTS_FILE
from explorer.models.foreign.reading import Config, ForeignFile, read_foreign
from explorer.models.foreign.rewriting import Rewritten, rewrite
from explorer.models.foreign.safety import check

Generation = Literal[2, 3]


@dataclass(frozen=True)
class Loaded:
    """Models that a file held.

    Attributes
    ----------
    file
        What was read.
    models
        By name: the empty name for a whole model, others for the parts that a subclass held.
    generation
        The Keras that they belong to: 3, or 2 for ``tf_keras``.
    rewritten
        What was replaced in their description.
    """

    file: ForeignFile
    models: dict[str, Any]
    generation: Generation
    rewritten: Rewritten


def keras_of(generation: Generation) -> ModuleType:
    """Return the module ``keras`` or ``tf_keras``."""
    return import_module("keras" if generation == 3 else "tf_keras")


def sampling_class(generation: Generation) -> type:
    """Return the stand-in for a sampling layer: it gives the mean, which is the first of its two inputs."""
    base: Any = keras_of(generation).layers.Layer

    def call(self: Any, inputs: Any) -> Any:
        return inputs[0]

    return type(SAMPLING, (base,), {"call": call})


def is_sampling(layer: object) -> bool:
    """Tell whether a layer is the stand-in."""
    return type(layer).__name__ == SAMPLING


def load(path: Path, *, trust: bool = False, generation: Generation | None = None) -> Loaded:
    """Load a model after its description was found harmless, or the user trusts it.

    Keras 3 is tried first. That of Keras 2 follows only where the file was not written by Keras 3; whatever either
    would run was refused before. Neither sees the file itself, only a copy that was written anew.

    Parameters
    ----------
    path
        The model's file, or the folder of a SavedModel.
    trust
        Whether code in it may run.
    generation
        The Keras to load it with, where it is known.

    Raises
    ------
    ModelError
        If the file is no model, is damaged, would run something, or is of no known version.
    """
    file = read_foreign(path)
    rewritten = rewrite(file)
    check(dangers_of(file), trust=trust)
    if file.kind == "saved_model":
        return Loaded(file, {"": _load_saved_model(file)}, 2, rewritten)
    with tempfile.TemporaryDirectory(prefix="latent-explorer-") as folder:
        written = [_write(file, name, config, Path(folder)) for name, config in rewritten.models.items()]
        parts = dict(zip(rewritten.models, (path for path, _ in written), strict=True))
        sizes = Sizes(max(size.largest for _, size in written), sum(size.total for _, size in written))
        choices: tuple[Generation, ...] = (3,) if file.keras_version.startswith("3") else (3, 2)
        stopped = Exception()
        for choice in choices if generation is None else (generation,):
            try:
                with weights_within(sizes, keras_of(choice).layers.Layer, file.name):
                    return Loaded(file, _load_all(parts, choice, trust), choice, rewritten)
            except ExplorerError:
                raise
            except Exception as error:
                stopped = error
        raise _cannot(file, stopped) from stopped


def _load_all(parts: dict[str, Path], generation: Generation, trust: bool) -> dict[str, Any]:
    library = keras_of(generation)
    extra: dict[str, Any] = {"safe_mode": not trust} if generation == 3 or _all_zips(parts) else {}
    classes = {SAMPLING: sampling_class(generation)}
    return {
        name: library.models.load_model(path, custom_objects=classes, compile=False, **extra)
        for name, path in parts.items()
    }


def _all_zips(parts: dict[str, Path]) -> bool:
    return all(path.suffix == ".keras" for path in parts.values())


def _cannot(file: ForeignFile, error: Exception) -> ModelError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = (lines[0] if lines else type(error).__name__)[:200]
    version = f" of Keras {file.keras_version}" if file.keras_version else ""
    return ModelError(
        f"a model{version} that Keras can build",
        f"{file.name}, at which it stops: “{said}”",
        "Open it with the version that wrote it, and save it again as .keras.",
    )


def _write(file: ForeignFile, name: str, config: Config, folder: Path) -> tuple[Path, Sizes]:
    """Write a model, or one part of it, anew: with the configuration that is to be built, and the weights as arrays."""
    if file.kind == "hdf5":
        path = folder / f"{len(list(folder.iterdir()))}.h5"
        with h5py.File(path, "w") as copy:
            sizes = copy_weights(file.path, "", copy)
            copy.attrs["model_config"] = json.dumps(config)
        return path, sizes
    path = folder / f"{len(list(folder.iterdir()))}.keras"
    with tempfile.TemporaryDirectory(prefix="latent-explorer-") as beside:
        weights = Path(beside, WEIGHTS_FILE)
        with h5py.File(weights, "w") as copy:
            sizes = copy_weights(file.path, name, copy)
            if name and "vars" not in copy:
                copy.create_group("vars")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(CONFIG_FILE, json.dumps({**config, "compile_config": None}))
            archive.writestr(METADATA_FILE, json.dumps({"keras_version": file.keras_version}))
            archive.write(weights, WEIGHTS_FILE)
    return path, sizes


def _load_saved_model(file: ForeignFile) -> Any:
    """Load a SavedModel that is trusted: with its layers where ``tf_keras`` wrote it, else its function alone."""
    import tensorflow as tf

    if (file.path / "keras_metadata.pb").is_file():
        try:
            return keras_of(2).models.load_model(str(file.path), compile=False)
        except Exception as error:
            raise _cannot(file, error) from error
    try:
        return SavedFunction(tf.saved_model.load(str(file.path)), file)
    except ExplorerError:
        raise
    except Exception as error:
        raise _cannot(file, error) from error


class SavedFunction:
    """The function of a SavedModel, with the shapes that it takes and gives.

    Attributes
    ----------
    inputs, outputs
        Shapes with the batch, ``(None, …)``, in the order of `call`.
    """

    def __init__(self, program: Any, file: ForeignFile) -> None:
        signature = program.signatures.get("serving_default") or next(iter(program.signatures.values()), None)
        if signature is None:
            raise ModelError(
                f"a signature in {file.name}", "none", "Export it with model.export(…), or save it as .keras."
            )
        self._program = program
        self._function: Callable[..., dict[str, Any]] = signature
        named = signature.structured_input_signature[1]
        self._names = list(named)
        self._gives = sorted(signature.structured_outputs)
        self.inputs = [tuple(named[name].shape) for name in self._names]
        self.outputs = [tuple(signature.structured_outputs[name].shape) for name in self._gives]

    def __call__(self, values: Any, training: bool = False) -> list[Any]:
        """Return the outputs for one tensor, or a list of them in the order of `inputs`."""
        values = values if isinstance(values, list) else [values]
        given = self._function(**dict(zip(self._names, values, strict=True)))
        return [given[name] for name in self._gives]
