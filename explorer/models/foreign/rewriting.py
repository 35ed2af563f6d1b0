"""What of a configuration is replaced before it is built, because its place says what it does.

* A sampling layer, or a ``Lambda`` named for it, between mean and log-variance becomes a stand-in of ours. Its code is
  not run, nor needed: pictures are encoded at the mean, and noise is drawn in numpy.
* A subclass of ``keras.Model`` that was made of inputs and outputs is the functional model that it extends; only its
  way of training is lost.
* One that holds whole models (``VAE(encoder, decoder)``) is taken apart into them.

Optimizers, losses and metrics are left out altogether.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from explorer.errors import ModelError
from explorer.models.foreign import builtin
from explorer.models.foreign.reading import Config, ForeignFile
from explorer.reading import reading

_OF_TRAINING: Final = frozenset({"compile_config", "training_config"})
_NAMED_FOR_IT: Final = re.compile(r"sampl|reparam|(^|_)z($|_)|latent|epsilon", re.IGNORECASE)
_VARIANCE: Final = re.compile(r"var|logv|std|stddev|sigma|(^|_)lv($|_)", re.IGNORECASE)
_MEAN: Final = re.compile(r"mean|mu($|_|\d)|(^|_)loc($|_)", re.IGNORECASE)
_DEVIATION: Final = re.compile(r"std|stddev|sigma|deviation", re.IGNORECASE)
_DEEPEST: Final = 4


@dataclass(frozen=True)
class Rewritten:
    """A configuration, or several, that hold descriptions only as far as that could be had.

    Attributes
    ----------
    models
        Configurations by the place of their weights in the file: the empty name for the whole model, attribute names
        for the models that a subclass held.
    replaced
        Names of the layers that became stand-ins.
    deviations
        Those of them whose second input is a standard deviation by its name, and no log-variance.
    notes
        What was changed, in words for the user.
    """

    models: dict[str, Config]
    replaced: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def rewrite(file: ForeignFile) -> Rewritten:
    """Replace what is known by its place; the file's own configuration is not changed.

    Raises
    ------
    ModelError
        If the configuration holds something where Keras has something else, a list as the name of a class say.
    """
    with reading("the configuration of a Keras model", file.name, ModelError):
        return _rewritten(file) if file.config else Rewritten({})


def _rewritten(file: ForeignFile) -> Rewritten:
    notes: list[str] = []
    models = {"": file.config}
    if _is_foreign_class(file.config):
        name = str(file.config.get("class_name"))
        whole = _as_functional(file)
        held = _held_models(file.config)
        if whole is not None:
            models = {"": whole}
            notes.append(f"“{name}” is taken as the functional model that it extends")
        elif held:
            models = held
            notes.append(f"“{name}” is taken apart into {' and '.join(f'“{key}”' for key in held)}")
    worker = _Samplings(file)
    models = {key: worker.clean(_untrained(model)) for key, model in models.items()}
    if worker.replaced:
        names = ", ".join(f"“{layer}”" for layer in worker.replaced)
        notes.append(f"the sampling layer {names} was not run: ours stands in its place")
    return Rewritten(models, tuple(worker.replaced), tuple(worker.deviations), tuple(notes))


def _untrained(value: Any) -> Any:
    """Return a configuration without optimizers, losses and metrics, also of models within: no loader sees them."""
    if isinstance(value, dict):
        return {key: _untrained(child) for key, child in value.items() if key not in _OF_TRAINING}
    return [_untrained(child) for child in value] if isinstance(value, list) else value


def _is_foreign_class(config: Config) -> bool:
    return isinstance(config.get("class_name"), str) and config["class_name"] not in builtin.MODELS


def _module_of_models(file: ForeignFile) -> Config:
    """Return how a functional model is called in a file of that Keras."""
    if file.kind == "hdf5":
        return {"class_name": "Functional"}
    module = "tf_keras.src.engine.functional" if file.keras_version.startswith("2") else "keras.src.models.functional"
    return {"module": module, "class_name": "Functional", "registered_name": "Functional"}


def _as_functional(file: ForeignFile) -> Config | None:
    inner = file.config.get("config")
    if isinstance(inner, dict) and {"layers", "input_layers", "output_layers"} <= inner.keys():
        return {**file.config, **_module_of_models(file)}
    return None


def _held_models(config: Config) -> dict[str, Config]:
    """Return the models among the arguments of a subclass, by the name of the argument."""
    inner = config.get("config")
    if not isinstance(inner, dict):
        return {}
    return {
        key: value
        for key, value in inner.items()
        if isinstance(value, dict)
        and value.get("class_name") in builtin.MODELS
        and isinstance(value.get("config"), dict)
    }


class _Samplings:
    """Replaces the sampling layers of a model and of those within it."""

    def __init__(self, file: ForeignFile) -> None:
        self._file = file
        self.replaced: list[str] = []
        self.deviations: list[str] = []

    def clean(self, model: Config) -> Config:
        inner = model.get("config")
        if not isinstance(inner, dict) or not isinstance(inner.get("layers"), list):
            return model
        layers = [self._layer(layer) if isinstance(layer, dict) else layer for layer in inner["layers"]]
        return {**model, "config": {**inner, "layers": layers}}

    def _layer(self, layer: Config) -> Config:
        if layer.get("class_name") in builtin.MODELS:
            return self.clean(layer)
        inputs = _two_inputs(layer)
        if inputs is None or not _is_sampling(layer, inputs):
            return layer
        mean, variance = inputs
        if _VARIANCE.search(_source_of(mean)) and _MEAN.search(_source_of(variance)):
            mean, variance = variance, mean
        name = layer.get("name") or layer["config"].get("name")
        self.replaced.append(str(name))
        if _DEVIATION.search(_source_of(variance)) and "log" not in _source_of(variance).lower():
            self.deviations.append(str(name))
        stand_in: Config = {"class_name": builtin.SAMPLING, "config": {"name": name}, "name": name}
        if self._file.kind == "keras":
            stand_in |= {"module": None, "registered_name": builtin.SAMPLING}
        new_style = isinstance(mean, dict)
        node: Any = {"args": [[mean, variance]], "kwargs": {}} if new_style else [mean, variance]
        return {**stand_in, "inbound_nodes": [node]}


def _is_sampling(layer: Config, inputs: tuple[Any, Any]) -> bool:
    """Tell by its class, its name and its place whether a layer draws a code from mean and log-variance."""
    class_name = str(layer.get("class_name"))
    known = class_name in builtin.LAYERS or class_name in builtin.TENSORFLOW or class_name in builtin.EXTERNAL
    if known or str(layer.get("module") or "").startswith(builtin.OPERATIONS):
        return False
    config = layer["config"] if isinstance(layer.get("config"), dict) else {}
    names = [str(layer.get("name") or config.get("name") or "")]
    if class_name in builtin.CODE:
        function = config.get("function")
        function = function.get("config") if isinstance(function, dict) else function
        names += [function] if isinstance(function, str) else []
    else:
        names += [class_name]
    sources = [_source_of(source) for source in inputs]
    between = any(_VARIANCE.search(source) for source in sources) and sources[0] != sources[1]
    return between or any(_NAMED_FOR_IT.search(name) for name in names)


def _source_of(tensor: Any) -> str:
    """Return the name of the layer that a tensor of a configuration comes from."""
    if isinstance(tensor, dict):
        history = tensor.get("config", {}).get("keras_history") if isinstance(tensor.get("config"), dict) else None
        return str(history[0]) if isinstance(history, list) and history else ""
    return str(tensor[0]) if isinstance(tensor, list) and tensor else ""


def _two_inputs(layer: Config) -> tuple[Any, Any] | None:
    """Return the two tensors that a layer takes; None where it takes another number, or is used more than once."""
    nodes = layer.get("inbound_nodes")
    if not isinstance(nodes, list) or len(nodes) != 1:
        return None
    found = list(_tensors(nodes[0]))
    return (found[0], found[1]) if len(found) == 2 else None


def _tensors(value: Any, depth: int = 0) -> list[Any]:
    """Return the tensors within one call of a layer, as they stand there, in either way of writing."""
    if depth > _DEEPEST:
        return []
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [value]
        return [tensor for child in value.values() for tensor in _tensors(child, depth + 1)]
    if isinstance(value, list):
        if _is_old_tensor(value):
            extra = value[3] if len(value) > 3 and isinstance(value[3], dict) else {}
            return [[*value[:3], {}], *(t for child in extra.values() for t in _tensors(child, depth + 1))]
        return [tensor for child in value for tensor in _tensors(child, depth + 1)]
    return []


def _is_old_tensor(value: list[Any]) -> bool:
    """Tell ``["z_mean", 0, 0]`` and ``["z_mean", 0, 0, {…}]``, as Keras 2 writes them."""
    return len(value) in {3, 4} and isinstance(value[0], str) and all(isinstance(part, int) for part in value[1:3])
