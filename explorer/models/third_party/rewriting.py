"""Replaces custom code in a configuration before it is built, where its position reveals what it does.

* A sampling layer, or a ``Lambda`` named like one, between mean and log-variance is replaced by a built-in layer. Its
  code is neither run nor needed: images are encoded at the mean, and noise is drawn in NumPy. Without a telling name it
  is recognized by its inputs: two equal layers without activation, of the same tensor, with no narrower layer in the
  model. A gated linear unit has such inputs, too: the code of a ``Lambda`` must name something random, besides.
* Layers that no output needs, as of ``add_loss``, are left out.
* A subclass of ``keras.Model`` with inputs and outputs is loaded as the functional model that it extends; only its
  training step is lost.
* A subclass that contains models (``VAE(encoder, decoder)``) is split into them.

Optimizers, losses and metrics are removed.
"""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from explorer.errors import ModelError
from explorer.messages import message
from explorer.models.third_party import builtin
from explorer.models.third_party.reading import Config, ThirdPartyFile
from explorer.reading import reading

_OF_TRAINING: Final = frozenset({"compile_config", "training_config"})
_NAMED_FOR_IT: Final = re.compile(r"sampl|reparam|(^|_)z($|_)|latent|epsilon", re.IGNORECASE)
_VARIANCE: Final = re.compile(r"var|logv|std|stddev|sigma|(^|_)lv($|_)", re.IGNORECASE)
_MEAN: Final = re.compile(r"mean|mu($|_|\d)|(^|_)loc($|_)", re.IGNORECASE)
_DEVIATION: Final = re.compile(r"std|stddev|sigma|deviation", re.IGNORECASE)
_NOISE: Final = re.compile(r"normal(?!i[sz])|random|gauss|noise|(^|_)eps|sampl|reparam", re.IGNORECASE)
_MARSHALED_NAME: Final = re.compile(rb"(?=[zZ\xda\xfa](.)([A-Za-z_][A-Za-z0-9_]*))", re.DOTALL)
"""A short text in marshaled code: its kind, length and beginning."""
_GATING: Final = re.compile(r"glu|gate|gating|multiply|attention", re.IGNORECASE)
_DEEPEST: Final = 4
_LISTED: Final = 8
_LINEAR: Final = frozenset({"Dense", "Conv2D", "Convolution2D"})
_NO_ACTIVATION: Final = ("linear", None)
_OF_TENSORS: Final = ("shape", "dtype", "keras_history")
_SIZES: Final = ("units", "filters", "kernel_size", "strides", "padding")
"""Fields of a configuration that decide the size of the output of a layer."""


@dataclass(frozen=True)
class Rewritten:
    """The rewritten configuration, or several.

    `models` are by the path of their weights in the file: empty for the whole model, attribute names for the models
    within a subclass. `replaced` are names of layers; `deviations` those of them whose second input seems to be a
    standard deviation, by its name, instead of a log-variance. `notes` are the changes, for the user; see
    `explorer.models.import_record.Imported`.
    """

    models: dict[str, Config]
    replaced: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def rewrite(file: ThirdPartyFile, *, without_code: bool = False) -> Rewritten:
    """Return the configuration of a file with the replacements; the original is not changed.

    With `without_code` layers of code whose output shape is known become stand-ins that output zeros, so that the parts
    without code can be built. Raises ModelError if the configuration is malformed, for example if the name of a class
    is a list.
    """
    with reading(message("a Keras model"), file.name, ModelError):
        return _rewritten(file, without_code) if file.config else Rewritten({})


def _rewritten(file: ThirdPartyFile, without_code: bool) -> Rewritten:
    notes: list[str] = []
    models = {"": file.config}
    if _is_third_party_class(file.config):
        name = str(file.config.get("class_name"))
        whole = _as_functional(file)
        held = _held_models(file.config)
        if whole is not None:
            models = {"": whole}
            notes.append(str(message("The class “{name}” is loaded as a functional model", name=name)))
        elif held:
            models = held
            notes.append(
                str(message("The class “{name}” is split into its models: {models}", name=name, models=list(held)))
            )
    worker = _Samplings(file)
    unneeded: list[str] = []
    by_name = file.kind == "keras" and file.keras_version.startswith("2")
    models = {key: worker.clean(_pruned(_untrained(model), unneeded, by_name)) for key, model in models.items()}
    if without_code:
        models = {key: _without_code(model, file) for key, model in models.items()}
    if unneeded:
        notes.append(str(message("What only the training needs is left out: {layers}", layers=unneeded)))
    if worker.replaced:
        note = message("The sampling layer is replaced by a built-in one: {layers}", layers=worker.replaced)
        notes.append(str(note))
    return Rewritten(models, tuple(worker.replaced), tuple(worker.deviations), tuple(notes))


def _untrained(value: Any) -> Any:
    """Return a configuration without optimizers, losses and metrics, also of nested models."""
    if isinstance(value, dict):
        return {key: _untrained(child) for key, child in value.items() if key not in _OF_TRAINING}
    return [_untrained(child) for child in value] if isinstance(value, list) else value


def _pruned(model: Config, left_out: list[str], by_name: bool) -> Config:
    """Return a model without the layers that no output needs; plain layers only if Keras finds weights `by_name`.

    In HDF5 they stay, because Keras counts the layers that have weights. In a ``.keras`` file of Keras 2 those that are
    also layers of a nested model have none, because its weights are stored once. They are the last layers of their
    model, so that the names of the others stay as they are.
    """
    inner = model.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or not isinstance(layers, list):
        return model
    layers = [_pruned(layer, left_out, by_name) if isinstance(layer, dict) else layer for layer in layers]
    model = {**model, "config": {**inner, "layers": layers}}
    if "output_layers" not in inner:
        return model
    sources = {
        _name_of(layer): {_source_of(tensor) for node in layer.get("inbound_nodes") or [] for tensor in _tensors(node)}
        for layer in layers
        if isinstance(layer, dict)
    }
    needed: set[str] = set()
    left = [_source_of(tensor) for tensor in _ends(inner["output_layers"])]
    while left:
        name = left.pop()
        if name not in needed:
            needed.add(name)
            left += sources.get(name, ())
    gone: set[str] = set()
    for layer in layers:
        # In the order of the file every layer follows its inputs.
        name = _name_of(layer) if isinstance(layer, dict) else ""
        if name not in needed and name in sources and (not _is_plain(layer) or sources[name] & gone):
            gone.add(name)
    if not needed or not gone:
        return model
    left_out += sorted(gone, key=lambda name: (not name.startswith("add_loss"), name))[:_LISTED]
    if by_name:
        gone |= {name for name, given in sources.items() if name not in needed and given}
    kept = [layer for layer in layers if not isinstance(layer, dict) or _name_of(layer) not in gone]
    return {**model, "config": {**inner, "layers": kept}}


def _ends(value: Any) -> list[Any]:
    """Return the output tensors of a model, also where they are nested or there is only one."""
    if isinstance(value, dict):
        return [end for child in value.values() for end in _ends(child)]
    if not isinstance(value, list) or (value and isinstance(value[0], str)):
        return [value]
    return [end for child in value for end in _ends(child)]


def _name_of(layer: Config) -> str:
    inner = layer.get("config")
    return str(layer.get("name") or (inner.get("name") if isinstance(inner, dict) else None) or "")


def _is_plain(layer: Config) -> bool:
    return layer.get("class_name") in builtin.LAYERS | builtin.MODELS


def _is_third_party_class(config: Config) -> bool:
    return isinstance(config.get("class_name"), str) and config["class_name"] not in builtin.MODELS


def _module_of_models(file: ThirdPartyFile) -> Config:
    """Return the class fields of a functional model in a file of that Keras version."""
    if file.kind != "keras":
        return {"class_name": "Functional"}
    module = "tf_keras.src.engine.functional" if file.keras_version.startswith("2") else "keras.src.models.functional"
    return {"module": module, "class_name": "Functional", "registered_name": "Functional"}


def _as_functional(file: ThirdPartyFile) -> Config | None:
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


def _without_code(model: Config, file: ThirdPartyFile) -> Config:
    """Return a model with stand-ins for its layers of code whose output shape is known."""
    inner = model.get("config")
    if not isinstance(inner, dict) or not isinstance(inner.get("layers"), list):
        return model
    layers = list(inner["layers"])
    for place, layer in enumerate(layers):
        if not isinstance(layer, dict):
            continue
        if layer.get("class_name") in builtin.MODELS:
            layers[place] = _without_code(layer, file)
        shape = _shape_of_code(layer, layers[place + 1 :]) if layer.get("class_name") in builtin.CODE else None
        if shape is not None:
            name = _name_of(layer)
            stand_in = {**_own_class(builtin.STAND_IN, file), "config": {"name": name, "shape": shape}, "name": name}
            nodes = layer.get("inbound_nodes")
            layers[place] = stand_in | ({"inbound_nodes": [*map(_bare, nodes)]} if isinstance(nodes, list) else {})
    return {**model, "config": {**inner, "layers": layers}}


def _bare(node: Any) -> Any:
    """Return a call of a layer with nothing but the tensors that it takes: without the mask, and without objects."""
    if not isinstance(node, dict):
        return [tensor for tensor in _tensors(node) if isinstance(tensor, list)]
    tensors = [
        {
            "class_name": tensor["class_name"],
            "config": {key: tensor["config"][key] for key in _OF_TENSORS if key in tensor["config"]},
        }
        for tensor in _tensors(node.get("args"))
        if isinstance(tensor, dict)
    ]
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": {}}


def _shape_of_code(layer: Config, after: list[Any]) -> list[int] | None:
    """Return the output shape of a layer of code, without the batch: as stated, or as the layers after it take it."""
    config = layer.get("config")
    shapes = [config.get("output_shape") if isinstance(config, dict) else None]
    for number, other in enumerate(one for one in after if isinstance(one, dict)):
        taken = [tensor for node in other.get("inbound_nodes") or [] for tensor in _tensors(node)]
        here = (tensor for tensor in taken if isinstance(tensor, dict) and _source_of(tensor) == _name_of(layer))
        shapes += [tensor["config"].get("shape", [])[1:] for tensor in here]
        built = other.get("build_config")
        if number == 0 and "inbound_nodes" not in other and isinstance(built, dict):
            shapes.append((built.get("input_shape") or [])[1:])
    known = (shape for shape in shapes if isinstance(shape, list) and shape)
    return next((shape for shape in known if all(isinstance(side, int) and side > 0 for side in shape)), None)


def _own_class(name: str, file: ThirdPartyFile) -> Config:
    """Return the class fields of a layer that the engine defines."""
    return {"class_name": name} | ({"module": None, "registered_name": name} if file.kind == "keras" else {})


class _Samplings:
    def __init__(self, file: ThirdPartyFile) -> None:
        self._file = file
        self.replaced: list[str] = []
        self.deviations: list[str] = []

    def clean(self, model: Config) -> Config:
        inner = model.get("config")
        if not isinstance(inner, dict) or not isinstance(inner.get("layers"), list):
            return model
        named = {_name_of(layer): layer for layer in inner["layers"] if isinstance(layer, dict)}
        layers = [self._layer(layer, named) if isinstance(layer, dict) else layer for layer in inner["layers"]]
        return {**model, "config": {**inner, "layers": layers}}

    def _layer(self, layer: Config, named: dict[str, Config]) -> Config:
        if layer.get("class_name") in builtin.MODELS:
            return self.clean(layer)
        inputs = _two_inputs(layer)
        if inputs is None or not _is_sampling(layer, inputs, named):
            return layer
        mean, variance = inputs
        if _VARIANCE.search(_source_of(mean)) and _MEAN.search(_source_of(variance)):
            mean, variance = variance, mean
        name = _name_of(layer)
        self.replaced.append(name)
        if _DEVIATION.search(_source_of(variance)) and "log" not in _source_of(variance).lower():
            self.deviations.append(name)
        stand_in = {**_own_class(builtin.SAMPLING, self._file), "config": {"name": name}, "name": name}
        new_style = isinstance(mean, dict)
        node: Any = {"args": [[mean, variance]], "kwargs": {}} if new_style else [mean, variance]
        return {**stand_in, "inbound_nodes": [node]}


def _is_sampling(layer: Config, inputs: tuple[Any, Any], named: dict[str, Config]) -> bool:
    """Return whether a layer samples a code from mean and log-variance, judged by class, name and inputs.

    `named` are the layers of the model.
    """
    class_name = str(layer.get("class_name"))
    known = class_name in builtin.LAYERS or class_name in builtin.TENSORFLOW or class_name in builtin.EXTERNAL
    if known or str(layer.get("module") or "").startswith(builtin.OPERATIONS):
        return False
    config = layer["config"] if isinstance(layer.get("config"), dict) else {}
    names = [_name_of(layer)]
    used: list[str] = []
    if class_name in builtin.CODE:
        function = config.get("function")
        used = _names_in(_code_of(function))
        function = function.get("config") if isinstance(function, dict) else function
        names += [function] if isinstance(function, str) else []
    else:
        names += [class_name]
    sources = [_source_of(source) for source in inputs]
    if sources[0] == sources[1] and not any(_NAMED_FOR_IT.search(name) for name in names):
        return False
    if used:
        return any(map(_NOISE.search, used)) and (_names_tell(names, sources) or _are_siblings(sources, named))
    if any(_GATING.search(name) for name in names):
        return False
    return _names_tell(names, sources) or (_are_siblings(sources, named) and _is_narrowest(sources[0], named))


def _code_of(function: Any) -> bytes:
    """Return the bytes of the code of a ``Lambda`` of Keras 2 or 3; empty if there is none that can be read."""
    inner = function.get("config") if isinstance(function, dict) else function
    text = inner.get("code") if isinstance(inner, dict) else inner[0] if isinstance(inner, list) and inner else None
    with suppress(ValueError):
        return base64.b64decode(text) if isinstance(text, str) else b""
    return b""


def _names_in(code: bytes) -> list[str]:
    """Return the names that the code of a function uses, without unpacking it: they stand in it as text."""
    found = ((match[1][0], match[2]) for match in _MARSHALED_NAME.finditer(code))
    return [text[:length].decode("ascii") for length, text in found if 0 < length <= len(text)]


def _names_tell(names: list[str], sources: list[str]) -> bool:
    """Return whether the names of a layer or of its inputs are those of sampling."""
    return any(_VARIANCE.search(source) for source in sources) or any(_NAMED_FOR_IT.search(name) for name in names)


def _is_narrowest(source: str, named: dict[str, Config]) -> bool:
    """Return whether no layer of a model has fewer units than one, as it is before a code."""
    units = {
        name: layer["config"].get("units") for name, layer in named.items() if isinstance(layer.get("config"), dict)
    }
    own = units.get(source)
    return not isinstance(own, int) or not any(isinstance(other, int) and other < own for other in units.values())


def _are_siblings(sources: list[str], named: dict[str, Config]) -> bool:
    """Return whether two layers are linear, of equal size, and take the same tensor, as mean and log-variance do."""
    seen = []
    for layer in (named.get(source, {}) for source in sources):
        config = layer.get("config")
        nodes = layer.get("inbound_nodes")
        if layer.get("class_name") not in _LINEAR or not isinstance(config, dict) or not nodes:
            return False
        if config.get("activation", "linear") not in _NO_ACTIVATION:
            return False
        seen.append(([_source_of(tensor) for tensor in _tensors(nodes)], [config.get(name) for name in _SIZES]))
    return sources[0] != sources[1] and seen[0] == seen[1]


def _source_of(tensor: Any) -> str:
    """Return the name of the layer that a tensor of a configuration comes from."""
    if isinstance(tensor, dict):
        history = tensor.get("config", {}).get("keras_history") if isinstance(tensor.get("config"), dict) else None
        return str(history[0]) if isinstance(history, list) and history else ""
    return str(tensor[0]) if isinstance(tensor, list) and tensor else ""


def _two_inputs(layer: Config) -> tuple[Any, Any] | None:
    """Return the two input tensors of a layer; None if it has another number of inputs, or is used more than once."""
    nodes = layer.get("inbound_nodes")
    if not isinstance(nodes, list) or len(nodes) != 1:
        return None
    found = list(_tensors(nodes[0]))
    return (found[0], found[1]) if len(found) == 2 else None


def _tensors(value: Any, depth: int = 0) -> list[Any]:
    """Return the tensors in one call of a layer, in the format of Keras 2 or 3."""
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
    """Return whether a list is a tensor in the format of Keras 2: ``["z_mean", 0, 0]``, ``["z_mean", 0, 0, {…}]``."""
    return len(value) in {3, 4} and isinstance(value[0], str) and all(isinstance(part, int) for part in value[1:3])
