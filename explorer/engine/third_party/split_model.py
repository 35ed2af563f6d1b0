"""Finds encoder and decoder in loaded models, and the meaning of their inputs and outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

from explorer.data.choices import MAX_CHANNELS
from explorer.engine.third_party import graph
from explorer.engine.third_party.loading import Generation, Loaded, SavedFunction, keras_of
from explorer.errors import ModelError
from explorer.messages import Message, message
from explorer.models.conditions import conditions_of
from explorer.models.import_record import LOST_VARIANCE, Control, Layout
from explorer.models.third_party.layout import integer_codes, no_condition
from explorer.models.third_party.request import NO_CHOICES, Choices
from explorer.reading import reason_of
from explorer.types import ImageShape

FREE_SIDE = 64
"""Image size for models that accept any."""

MOST_CHOICES = 64
"""One-hot inputs up to this length are choices; longer inputs are plain numbers."""

LONGEST_CODE = 4
"""Maximum size of a code, as a multiple of the image's."""

_SIDES = (8, 1024)
_COLOR = 3


@dataclass(frozen=True)
class Place:
    """A possible bottleneck: its layer, and the shape of the code there."""

    name: str
    shape: tuple[int, ...]


@dataclass
class SplitModel:
    """Encoder and decoder, and their inputs and outputs.

    Attributes
    ----------
    encoder, decoder
        Keras models, or functions of a SavedModel; one may be None.
    generation
        The Keras version of both.
    image_shape, latent_shape
        Of images and codes in this program, without condition inputs.
    layout_in, layout_out, mean, log_variance, image_in, code_in, controls
        As in `explorer.models.import_record.Imported`.
    bottleneck, places
        The layer at which the model was split, and all possible ones, the most likely first; empty if encoder and
        decoder were given separately.
    notes
        Remarks for the user; see `explorer.models.import_record.Imported`.
    """

    encoder: Any
    decoder: Any
    generation: Generation
    image_shape: ImageShape = (0, 0, 0)
    latent_shape: tuple[int, ...] = ()
    layout_in: Layout = "hwc"
    layout_out: Layout = "hwc"
    mean: int = 0
    log_variance: int | Literal["stacked"] | None = None
    image_in: int = 0
    code_in: int = 0
    controls: tuple[Control, ...] = ()
    bottleneck: str = ""
    places: tuple[Place, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The encoder's outputs with their shapes, such as ``mean (10)``; empty without an encoder."""
        return () if self.encoder is None else tuple(_listed(_output_names(self.encoder), _output_shapes(self.encoder)))


def split(loaded: Loaded, choices: Choices = NO_CHOICES) -> SplitModel:
    """Find encoder and decoder in one file; ModelError if that is impossible, or an input or output is not an image."""
    if "" not in loaded.models:
        encoder, decoder = _held(loaded)
        return pair(encoder, decoder, loaded, choices=choices)
    model = loaded.models[""]
    nested = _attributes(model)
    if nested is not None:
        return pair(*nested, loaded, choices=choices)
    if isinstance(model, SavedFunction):
        return _one_function(model, loaded, choices)
    _check_built(model, loaded)
    model = _with_fixed_size(model, loaded.generation)
    image, size = _largest(model.inputs)
    model = _with_image_output(model, image, loaded.generation)
    values = prod(side or 1 for side in graph.shape_of(model.outputs[0]))
    if len(model.outputs) == 1 and size == values:
        return _cut(model, image, loaded, choices)
    made, flat = graph.shape_of(model.outputs[0]), len(graph.shape_of(model.inputs[0])) == 1
    if len(model.outputs) == 1 and size < values and layout_of(made, MAX_CHANNELS if flat else _COLOR):
        _refuse_other_size(model, loaded)
        return pair(None, model, loaded, choices=choices)
    _refuse_other_size(model, loaded)
    return pair(model, None, loaded, choices=choices)


def pair(
    encoder: Any, decoder: Any, loaded: Loaded, other: Loaded | None = None, choices: Choices = NO_CHOICES
) -> SplitModel:
    """Return an encoder and a decoder, or one of them, of one file or two.

    Raises ModelError if they do not match, or their inputs or outputs are not images.
    """
    # The function of a SavedModel goes with layers of any version.
    generation = other.generation if other is not None and isinstance(encoder, SavedFunction) else loaded.generation
    for model in (encoder, decoder):
        if model is not None and not isinstance(model, SavedFunction):
            _check_built(model, loaded)
    if encoder is not None and not isinstance(encoder, SavedFunction):
        encoder = _encoder_alone(_with_fixed_size(encoder, generation), generation)
    split_model = SplitModel(encoder, decoder, generation)
    split_model.notes += loaded.rewritten.notes + (other.rewritten.notes if other is not None else ())
    return _understood(split_model, loaded, choices)


def _encoder_alone(encoder: Any, generation: Generation) -> Any:
    """Return an encoder without its sampling layer, with mean and log-variance as outputs."""
    known = graph.find_sampling(list(encoder.outputs))
    if known is None:
        return encoder
    return keras_of(generation).Model(encoder.inputs, known[1])


def _held(loaded: Loaded) -> tuple[Any, Any]:
    names = list(loaded.models)
    first = next((name for name in names if "enc" in name.lower()), None)
    second = next((name for name in names if "dec" in name.lower() or "gen" in name.lower()), None)
    if first is None and second is None and len(names) == 2:
        first, second = names
    if first is None or second is None:
        raise ModelError(
            "Cannot find encoder and decoder in {file}: its models are {names}. "
            "Save encoder and decoder as separate models, and import both.",
            file=loaded.file.name,
            names=names,
        )
    return loaded.models[first], loaded.models[second]


def _attributes(model: Any) -> tuple[Any, Any] | None:
    """Return the encoder and decoder attributes of a subclass, as ``tf_keras`` restores them; or None."""
    if isinstance(model, SavedFunction) or getattr(model, "_is_graph_network", False):
        return None
    found = [getattr(model, name, None) for name in ("encoder", "decoder")]
    return (found[0], found[1]) if all(graph.is_model(part) for part in found) else None


def _check_built(model: Any, loaded: Loaded) -> None:
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        raise ModelError(
            "Cannot import {file}: it is a subclassed model whose layers are connected by code. "
            "Save encoder and decoder as separate models, and import both.",
            file=loaded.file.name,
        )


def _with_fixed_size(model: Any, generation: Generation) -> Any:
    """Return a model for images of any size as one with a fixed input size."""
    shapes = [graph.shape_of(tensor) for tensor in model.inputs]
    if not any(None in shape for shape in shapes):
        return model
    library = keras_of(generation)
    inputs = [library.Input(tuple(FREE_SIDE if side is None else side for side in shape)) for shape in shapes]
    fixed = library.models.clone_model(model, input_tensors=inputs if len(inputs) > 1 else inputs[0])
    fixed.set_weights(model.get_weights())
    return fixed


def _with_image_output(model: Any, image: Any, generation: Generation) -> Any:
    """Return a model with several outputs, one of them an image like the input, as one that only gives this image."""
    shape = graph.shape_of(image)
    made = [tensor for tensor in model.outputs if graph.shape_of(tensor) == shape]
    if len(model.outputs) == 1 or len(made) != 1 or layout_of(shape, MAX_CHANNELS) is None:
        return model
    return keras_of(generation).Model(graph.inputs_behind(model, made), made[0])


def _largest(tensors: list[Any]) -> tuple[Any, int]:
    sizes = [prod(side or 1 for side in graph.shape_of(tensor)) for tensor in tensors]
    best = max(range(len(sizes)), key=sizes.__getitem__)
    return tensors[best], sizes[best]


def _refuse_other_size(model: Any, loaded: Loaded) -> None:
    """Reject a model whose input and output are images of different shapes, which is not an autoencoder."""
    given, made = graph.shape_of(model.inputs[0]), graph.shape_of(model.outputs[0])
    if len(model.inputs) == 1 and len(given) >= 2 and len(made) >= 2 and layout_of(given) and layout_of(made):
        raise ModelError(
            "{file} is not an autoencoder: it turns images of {input} into images of {output}. "
            "Import its encoder or decoder alone, or a model whose input and output have equal shapes.",
            file=loaded.file.name,
            input=words(given),
            output=words(made),
        )


def _cut(model: Any, image: Any, loaded: Loaded, choices: Choices) -> SplitModel:
    bottleneck = choices.bottleneck
    found = graph.likeliest_first(list(graph.cuts(model, image, loaded.generation)))
    size = prod(side or 1 for side in graph.shape_of(image))
    offered = [cut for cut in found if cut.values < size or cut.sampled or cut.between]
    # A code may be larger than the image, as in sparse autoencoders; but the join of skip connections is not a code.
    offered = offered or [cut for cut in found if cut.values <= LONGEST_CODE * size]
    if not offered:
        raise ModelError(
            "Cannot split {file}: no layer separates input and output, as in networks with skip connections. "
            "Save encoder and decoder as separate models, and import both.",
            file=loaded.file.name,
        )
    chosen = offered[0]
    if bottleneck is not None:
        named = [cut for cut in found if bottleneck in {cut.name, cut.name.rsplit("/", 1)[-1]}]
        if not named:
            raise ModelError(
                "Cannot split the model at “{layer}”. Choose one of the layers {layers} (--bottleneck).",
                layer=bottleneck,
                layers=[f"{cut.name} ({words(cut.shape)})" for cut in offered[:8]],
            )
        chosen = named[0]
    try:
        encoder, decoder = chosen.split_model()
    except Exception as error:
        raise ModelError(
            "Cannot split the model at “{layer}”: {reason}. "
            "Choose another layer (--bottleneck), or save encoder and decoder as separate models.",
            layer=chosen.name,
            reason=reason_of(error),
        ) from error
    split_model = SplitModel(encoder, decoder, loaded.generation, bottleneck=chosen.name)
    split_model.places = tuple(Place(cut.name, cut.shape) for cut in offered)
    split_model.notes += loaded.rewritten.notes
    return _understood(split_model, loaded, choices)


def _one_function(model: SavedFunction, loaded: Loaded, choices: Choices) -> SplitModel:
    size, values = (prod(side or 1 for side in shapes[0][1:]) for shapes in (model.inputs, model.outputs))
    if size == values:
        raise ModelError(
            "Cannot split {file}: it is a function without layers. "
            "Import the .keras file it was made from, or export encoder and decoder separately.",
            file=loaded.file.name,
        )
    encoder, decoder = (None, model) if size < values else (model, None)
    return pair(encoder, decoder, loaded, choices=choices)


# -- what goes in and out --------------------------------------------------------------------------------------------


def words(shape: tuple[int | None, ...]) -> str:
    """Return a shape as text, such as ``28×28×1``; ``?`` for a variable side."""
    return "×".join("?" if side is None else str(side) for side in shape)


def layout_of(shape: tuple[int | None, ...], most: int = _COLOR) -> tuple[Layout, ImageShape] | None:
    """Return the layout and shape of an image from a tensor's shape, or None if it is not an image.

    It has 1, 3 or, if `most` is more, any number of channels up to that: a code of feature maps looks the same.
    """
    if None in shape:
        return None
    sides = tuple(side for side in shape if side is not None)
    low, high = _SIDES
    if len(sides) == 2 and all(low <= side <= high for side in sides):
        return "hw", (*sides, 1)
    for counts in ({1, _COLOR}, range(1, most + 1) if most > _COLOR else ()):
        if len(sides) == 3 and sides[2] in counts and all(low <= side <= high for side in sides[:2]):
            return "hwc", sides
        if len(sides) == 3 and sides[0] in counts and all(low <= side <= high for side in sides[1:]):
            return "chw", (sides[1], sides[2], sides[0])
    if len(sides) == 1:
        for channels in (1, 3):
            side = math.isqrt(sides[0] // channels)
            if side * side * channels == sides[0] and low <= side <= high:
                return "flat", (side, side, channels)
    return None


def _inputs(model: Any) -> list[tuple[str, tuple[int | None, ...]]]:
    if isinstance(model, SavedFunction):
        return [(str(number), shape[1:]) for number, shape in enumerate(model.inputs)]
    return [(tensor.name.split(":")[0].split("/")[0], graph.shape_of(tensor)) for tensor in model.inputs]


def _is_integer(model: Any, side: Literal["inputs", "outputs"], place: int) -> bool:
    """Return whether an input or output of a model has integers; False for a SavedModel, which does not say."""
    if isinstance(model, SavedFunction):
        return False
    kind = getattr(model, side)[place].dtype
    return "int" in getattr(kind, "name", kind)


def _output_shapes(model: Any) -> list[tuple[int | None, ...]]:
    if isinstance(model, SavedFunction):
        return [shape[1:] for shape in model.outputs]
    return [graph.shape_of(tensor) for tensor in model.outputs]


def _understood(split_model: SplitModel, loaded: Loaded, choices: Choices) -> SplitModel:
    code: tuple[int | None, ...] | None = None
    encoder_controls: dict[str, tuple[int, tuple[int, ...]]] = {}
    if split_model.encoder is not None:
        given = _inputs(split_model.encoder)
        split_model.image_in = max(range(len(given)), key=lambda place: prod(side or 1 for side in given[place][1]))
        understood = layout_of(given[split_model.image_in][1], MAX_CHANNELS)
        if understood is None:
            raise _no_image(message("input"), given[split_model.image_in][1], loaded)
        split_model.layout_in, split_model.image_shape = understood
        taken = [] if split_model.decoder is None else [shape for _, shape in _inputs(split_model.decoder)]
        split_model.mean, split_model.log_variance = _code_outputs(split_model, loaded, choices, taken)
        if _is_integer(split_model.encoder, "outputs", split_model.mean):
            raise integer_codes(loaded.file.name)
        code = _output_shapes(split_model.encoder)[split_model.mean]
        if split_model.log_variance == "stacked":
            code = _half(code)
        encoder_controls = _others(given, split_model.image_in, loaded)
    decoder_controls: dict[str, tuple[int, tuple[int, ...]]] = {}
    if split_model.decoder is not None:
        given = _inputs(split_model.decoder)
        if all(_is_integer(split_model.decoder, "inputs", place) for place in range(len(given))):
            raise integer_codes(loaded.file.name)
        split_model.code_in = _code_input(given, code, loaded)
        code = given[split_model.code_in][1] if code is None else code
        decoder_controls = _others(given, split_model.code_in, loaded)
        made = _output_shapes(split_model.decoder)[0]
        understood = layout_of(made, MAX_CHANNELS)
        if understood is None:
            raise _no_image(message("output"), made, loaded)
        split_model.layout_out = understood[0]
        if split_model.encoder is not None and understood[1] != split_model.image_shape:
            raise ModelError(
                "Encoder and decoder do not match: images of {encoder} and of {decoder}. "
                "Import two that were trained together.",
                encoder=words(split_model.image_shape),
                decoder=words(understood[1]),
            )
        split_model.image_shape = understood[1]
    if code is None or None in code or not code:
        raise ModelError(
            "The code has no fixed shape, but {shape}. Save the model with a fixed input size.",
            shape=words(code or ()) or "()",
        )
    split_model.latent_shape = tuple(side for side in code if side is not None)
    split_model.controls = _controls(encoder_controls, decoder_controls, split_model)
    if choices.condition is not None:
        conditions = conditions_of(split_model.controls, sum(control.size for control in split_model.controls))
        if conditions is None:
            raise no_condition(loaded.file.name)
        split_model.controls = conditions.with_default(choices.condition, loaded.file.name)
    if split_model.controls and split_model.log_variance is not None:
        split_model.notes.append(str(LOST_VARIANCE))
    return split_model


def _no_image(what: Message, shape: tuple[int | None, ...], loaded: Loaded) -> ModelError:
    largest = max((side or 0 for side in shape), default=0)
    if len(shape) > 1 and largest > _SIDES[1]:
        return ModelError(
            "The {what} of {file} is too large: its shape is {shape}. "
            "Import a model of images of at most {most:,} pixels per side.",
            what=what,
            file=loaded.file.name,
            shape=words(shape),
            most=_SIDES[1],
        )
    return ModelError(
        "The {what} of {file} is not an image: its shape is {shape}. "
        "Import a model of images with 1 to {channels} channels, or of flattened square images.",
        channels=MAX_CHANNELS,
        what=what,
        file=loaded.file.name,
        shape=words(shape),
    )


def _half(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Return the shape of a code whose mean and log-variance are stacked along the last axis."""
    return *shape[:-1], (shape[-1] or 0) // 2


def _code_outputs(
    split_model: SplitModel, loaded: Loaded, choices: Choices, taken: list[tuple[int | None, ...]]
) -> tuple[int, int | Literal["stacked"] | None]:
    """Return the indices of the code (or its mean) and of the log-variance among an encoder's outputs.

    `taken` are the shapes of the decoder's inputs, if there is a decoder.
    """
    shapes, names = _output_shapes(split_model.encoder), _output_names(split_model.encoder)
    if choices.code is not None or choices.log_variance is not None:
        return _stated_outputs(shapes, names, choices)
    fitting = [place for place, shape in enumerate(shapes) if not taken or shape in taken]
    if len(fitting) == 1:
        return fitting[0], None
    if len(shapes) == 1:
        stacked = shapes[0] and _is_even(shapes[0]) and _half(shapes[0]) in taken
        if stacked:
            note = message("The encoder's output holds mean and log-variance, one after the other")
            split_model.notes.append(str(note))
        return 0, "stacked" if stacked else None
    fitting = fitting or list(range(len(shapes)))
    if len(fitting) not in {2, 3} or len({shapes[place] for place in fitting}) != 1:
        raise ModelError(
            "The encoder's {count:# output|# outputs} {outputs} are neither a code nor mean and log-variance. "
            "Save the encoder with the code as its only output, or name it with --code.",
            count=len(shapes),
            outputs=_listed(names, shapes),
        )
    if isinstance(split_model.encoder, SavedFunction):
        return fitting[0], fitting[1]
    variance = next((place for place in fitting if "var" in names[place] or "log" in names[place]), fitting[1])
    sigma = next((place for place in fitting if "std" in names[place] or "sigma" in names[place]), None)
    if sigma is not None and "log" not in names[sigma] and not any("var" in names[place] for place in fitting):
        note = message("“{layer}” is ignored: its name says standard deviation, not log-variance", layer=names[sigma])
        split_model.notes.append(str(note))
        return next(place for place in fitting if place != sigma), None
    if loaded.rewritten.deviations:
        split_model.notes.append(str(message("The log-variance is ignored: its name says standard deviation")))
        return fitting[0], None
    means = [place for place in fitting if place != variance]
    mean = next((place for place in means if "mean" in names[place] or "mu" in names[place]), means[0])
    return mean, variance


def _is_even(shape: tuple[int | None, ...]) -> bool:
    return bool(shape[-1]) and (shape[-1] or 0) % 2 == 0


def _listed(names: list[str], shapes: list[tuple[int | None, ...]]) -> list[str]:
    return [f"{name} ({words(shape)})" for name, shape in zip(names, shapes, strict=True)]


def _output_names(model: Any) -> list[str]:
    if isinstance(model, SavedFunction):
        return [str(number) for number in range(len(model.outputs))]
    return [graph.producer(tensor)[0].name.lower() for tensor in model.outputs]


def _stated_outputs(
    shapes: list[tuple[int | None, ...]], names: list[str], choices: Choices
) -> tuple[int, int | Literal["stacked"] | None]:
    """Return the outputs that the user stated; ModelError if the encoder has none of that name or number."""

    def place_of(text: str, option: str) -> int:
        if text.isdecimal() and int(text) < len(names):
            return int(text)
        if text.lower() in names:
            return names.index(text.lower())
        raise ModelError(
            "The encoder has no output “{name}” ({option}). Choose one of {outputs}, or its number from 0.",
            name=text,
            option=option,
            outputs=_listed(names, shapes),
        )

    mean = 0 if choices.code is None else place_of(choices.code, "--code")
    if choices.log_variance is None:
        return mean, None
    if choices.log_variance != "stacked":
        variance = place_of(choices.log_variance, "--log-variance")
        if choices.code is None and variance == mean:
            mean = next(
                (place for place, shape in enumerate(shapes) if place != variance and shape == shapes[mean]), mean
            )
        if shapes[mean] != shapes[variance]:
            raise ModelError(
                "Code and log-variance have different shapes, {code} and {variance}. "
                "Choose two outputs of equal shape (--code, --log-variance).",
                code=words(shapes[mean]),
                variance=words(shapes[variance]),
            )
        return mean, variance
    if not shapes[mean] or not _is_even(shapes[mean]):
        raise ModelError(
            "The output {shape} cannot hold mean and log-variance: the size of its last axis is not even. "
            "Choose another output (--code), or leave out --log-variance.",
            shape=words(shapes[mean]),
        )
    return mean, "stacked"


def _code_input(
    given: list[tuple[str, tuple[int | None, ...]]], code: tuple[int | None, ...] | None, loaded: Loaded
) -> int:
    if len(given) == 1 and code is None:
        return 0
    fitting = [place for place, (_, shape) in enumerate(given) if code is None or shape == code]
    if not fitting:
        raise ModelError(
            "Encoder and decoder do not match: the code has the shape {code}, the decoder's inputs {inputs}. "
            "Import two that were trained together.",
            code=words(code or ()),
            inputs=[words(shape) for _, shape in given],
        )
    named = [place for place in fitting if any(word in given[place][0].lower() for word in ("z", "code", "latent"))]
    return (named or fitting)[0]


def _others(
    given: list[tuple[str, tuple[int | None, ...]]], taken: int, loaded: Loaded
) -> dict[str, tuple[int, tuple[int, ...]]]:
    others: dict[str, tuple[int, tuple[int, ...]]] = {}
    for place, (name, shape) in enumerate(given):
        if place == taken:
            continue
        if None in shape or len(shape) > 1:
            raise ModelError(
                "The condition input “{name}” has the shape {shape}, but only vectors are supported. "
                "Save a model without this input.",
                name=name,
                shape=words(shape),
            )
        others[name] = (place, tuple(side for side in shape if side is not None))
    return others


def _controls(
    encoder: dict[str, tuple[int, tuple[int, ...]]],
    decoder: dict[str, tuple[int, tuple[int, ...]]],
    split_model: SplitModel,
) -> tuple[Control, ...]:
    """Match the condition inputs of encoder and decoder by name, else by shape."""
    controls: list[Control] = []
    left = dict(encoder)
    for name, (place, shape) in decoder.items():
        match = name if name in left else next((key for key, (_, other) in left.items() if other == shape), None)
        in_encoder = left.pop(match)[0] if match is not None else None
        choices = _choices(split_model.decoder, place, shape)
        controls.append(Control(name=name, shape=shape, choices=choices, in_encoder=in_encoder, in_decoder=place))
    for name, (place, shape) in left.items():
        choices = _choices(split_model.encoder, place, shape)
        controls.append(Control(name=name, shape=shape, choices=choices, in_encoder=place))
    return tuple(controls)


def _choices(model: Any, place: int, shape: tuple[int, ...]) -> int:
    """Return the number of classes of a condition input that is one-hot or an embedding's index; else 0."""
    if prod(shape) > 1:
        return prod(shape) if prod(shape) <= MOST_CHOICES else 0
    if isinstance(model, SavedFunction):
        return 0
    tensor = model.inputs[place]
    for layer in model.layers:
        sources = [source for node in layer._inbound_nodes for source in _node_inputs(node)]
        if type(layer).__name__ == "Embedding" and any(source is tensor for source in sources):
            return int(layer.input_dim)
    return 0


def _node_inputs(node: Any) -> list[Any]:
    return list(node.keras_inputs if hasattr(node, "keras_inputs") else node.input_tensors)
