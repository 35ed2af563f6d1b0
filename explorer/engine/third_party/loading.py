"""Loads Keras models from checked files, with Keras 3 or Keras 2 (``tf_keras``)."""

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

from explorer.engine.third_party.by_name import load_by_name
from explorer.engine.third_party.clean_copy import Sizes, copy_shards, copy_weights
from explorer.engine.third_party.weight_limit import weights_within
from explorer.errors import ExplorerError, ModelError
from explorer.models.third_party.builtin import SAMPLING, STAND_IN
from explorer.models.third_party.files import dangers_of
from explorer.models.third_party.layout import CONFIG_FILE, METADATA_FILE, WEIGHTS_FILE
from explorer.models.third_party.reading import Config, ThirdPartyFile, read_third_party
from explorer.models.third_party.rewriting import Rewritten, rewrite
from explorer.models.third_party.safety import check

Generation = Literal[2, 3]


@dataclass(frozen=True)
class Loaded:
    """Models loaded from a file with one version of Keras: 3, or 2 for ``tf_keras``.

    `models` are by name: the empty name for a whole model, others for the models within a subclass. `rewritten` are
    replacements in the configuration.
    """

    file: ThirdPartyFile
    models: dict[str, Any]
    generation: Generation
    rewritten: Rewritten


def keras_of(generation: Generation) -> ModuleType:
    return import_module("keras" if generation == 3 else "tf_keras")


def sampling_class(generation: Generation) -> type:
    """Return the class that replaces sampling layers: it outputs the mean, its first input."""
    base: Any = keras_of(generation).layers.Layer

    def call(self: Any, inputs: Any) -> Any:
        return inputs[0]

    return type(SAMPLING, (base,), {"call": call})


def is_sampling(layer: object) -> bool:
    return type(layer).__name__ == SAMPLING


def stand_in_class(generation: Generation) -> type:
    """Return the class in the place of code that never runs: it outputs zeros of a shape."""
    base: Any = keras_of(generation).layers.Layer

    def __init__(self: Any, shape: list[int], **options: Any) -> None:
        base.__init__(self, **options)
        self.sides = tuple(shape)

    def call(self: Any, inputs: Any) -> Any:
        import tensorflow as tf

        first = inputs[0] if isinstance(inputs, list | tuple) else inputs
        return tf.zeros((tf.shape(first)[0], *self.sides))

    def compute_output_shape(self: Any, input_shape: Any) -> Any:
        return (None, *self.sides)

    members = {"__init__": __init__, "call": call, "compute_output_shape": compute_output_shape}
    return type(STAND_IN, (base,), members)


def holds_stand_in(model: Any) -> bool:
    """Return whether a model, or one within it, needs code that was left out."""
    layers = getattr(model, "layers", None) or []
    return any(type(layer).__name__ == STAND_IN or holds_stand_in(layer) for layer in layers)


def load(
    path: Path, *, trust: bool = False, generation: Generation | None = None, without_code: bool = False
) -> Loaded:
    """Load a model file, or the folder of a SavedModel, if it contains no code, or the user trusts it.

    With `without_code` stand-ins take the place of code, see `rewrite`; what they are in must not be used. Keras 3 is
    tried first, then Keras 2 unless Keras 3 wrote the file. Keras does not open the file itself, but a rewritten copy.
    ModelError if the file is not a model, is damaged, contains code, or is of an unknown version.
    """
    file = read_third_party(path)
    rewritten = rewrite(file, without_code=without_code)
    check(dangers_of(file, without_code=without_code), trust=trust)
    if file.kind == "saved_model":
        return Loaded(file, {"": _load_saved_model(file)}, 2, rewritten)
    with tempfile.TemporaryDirectory(prefix="latent-explorer-") as folder:
        written = [_write(file, name, config, Path(folder)) for name, config in rewritten.models.items()]
        parts = dict(zip(rewritten.models, (path for path, _ in written), strict=True))
        sizes = Sizes(max(size.largest for _, size in written), sum(size.total for _, size in written))
        choices: tuple[Generation, ...] = (3,) if file.keras_version.startswith("3") else (3, 2)
        if file.kind == "tfjs" and len(choices) > 1:
            choices = (2,)
        stopped: list[Exception] = []
        for choice in choices if generation is None else (generation,):
            try:
                with weights_within(sizes, keras_of(choice).layers.Layer, file.name):
                    return Loaded(file, _load_all(parts, choice, trust, file), choice, rewritten)
            except ExplorerError:
                raise
            except Exception as error:
                stopped.append(error)
        raise _cannot(file, *stopped) from stopped[-1]


def load_pair(encoder: Path, decoder: Path, *, trust: bool = False) -> tuple[Loaded, Loaded]:
    """Load the files of an encoder and its decoder with the same version of Keras; ModelError like `load`.

    Keras 3 opens many files of Keras 2, but not those with a ``Conv2DTranspose``, for example.
    """
    one, two = load(encoder, trust=trust), load(decoder, trust=trust)
    functions = any(isinstance(each.models.get(""), SavedFunction) for each in (one, two))
    if one.generation == two.generation or functions:
        return one, two
    newer = one if one.generation == 3 else two
    if newer.file.keras_version.startswith("3"):
        raise ModelError(
            "Encoder and decoder were saved by different Keras versions: {encoder} and {decoder}. "
            "Save both with the same version.",
            encoder=one.generation,
            decoder=two.generation,
        )
    again = load(newer.file.path, trust=trust, generation=2)
    return (again, two) if newer is one else (one, again)


def _load_all(parts: dict[str, Path], generation: Generation, trust: bool, file: ThirdPartyFile) -> dict[str, Any]:
    library = keras_of(generation)
    extra: dict[str, Any] = {"safe_mode": not trust} if generation == 3 or _all_zips(parts) else {}
    classes = {SAMPLING: sampling_class(generation), STAND_IN: stand_in_class(generation)}
    if file.kind == "tfjs":
        return {name: load_by_name(library, path, classes, file.name, trust=trust) for name, path in parts.items()}
    return {
        name: library.models.load_model(path, custom_objects=classes, compile=False, **extra)
        for name, path in parts.items()
    }


def _all_zips(parts: dict[str, Path]) -> bool:
    return all(path.suffix == ".keras" for path in parts.values())


def _cannot(file: ThirdPartyFile, *errors: Exception) -> ModelError:
    """Return the error of a file that Keras does not load, with all that Keras said as notes."""
    refused = _refusal(file, errors[-1])
    for error in errors:
        refused.add_note(f"{type(error).__name__}: {error}")
    return refused


def _refusal(file: ThirdPartyFile, error: Exception) -> ModelError:
    if "bad marshal data" in str(error):
        return ModelError(
            "Cannot run the Python code in {file}: it was saved with another version of Python. "
            "Replace its Lambda layers with built-in ones, or save encoder and decoder as separate models.",
            file=file.name,
        )
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = (lines[0] if lines else type(error).__name__)[:200].rstrip(". ")
    if not file.keras_version:
        return ModelError(
            "Keras cannot load {file}: {reason}. Open it with the version that wrote it, and save it as .keras.",
            file=file.name,
            reason=reason,
        )
    return ModelError(
        "Keras cannot load {file}, written by Keras {version}: {reason}. "
        "Open it with that version, and save it as .keras.",
        file=file.name,
        version=file.keras_version,
        reason=reason,
    )


def _write(file: ThirdPartyFile, name: str, config: Config, folder: Path) -> tuple[Path, Sizes]:
    """Write a copy of a model or a part of it, with the given configuration and the weights as plain arrays."""
    if file.kind != "keras":
        path = folder / f"{len(list(folder.iterdir()))}.h5"
        with h5py.File(path, "w") as copy:
            if file.kind == "tfjs":
                sizes = copy_shards(file.path, file.shards, copy)
            else:
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


def _load_saved_model(file: ThirdPartyFile) -> Any:
    """Load a trusted SavedModel: with its layers if ``tf_keras`` wrote it, else only its function."""
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
    """The function of a SavedModel.

    `inputs` and `outputs` are shapes with the batch, ``(None, …)``, in the order of `call`.
    """

    def __init__(self, program: Any, file: ThirdPartyFile) -> None:
        signature = program.signatures.get("serving_default") or next(iter(program.signatures.values()), None)
        if signature is None:
            raise ModelError(
                "{file} has no signature. Export it with model.export(…), or save it as .keras.", file=file.name
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
