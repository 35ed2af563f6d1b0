"""From loaded models to an encoder and a decoder, and to what their inputs and outputs mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from math import prod
from typing import Any

from explorer.engine.foreign import graph
from explorer.engine.foreign.loading import Generation, Loaded, SavedFunction, keras_of
from explorer.errors import ModelError
from explorer.models.foreign.record import Control, Layout
from explorer.types import ImageShape

FREE_SIDE = 64
"""Side of the pictures where a model takes any."""

MOST_CHOICES = 64
"""One-hot rows up to this length are choices; longer inputs are plain numbers."""

LONGEST_CODE = 4
"""A place with more values than so many pictures is no code."""

_SIDES = (8, 512)


@dataclass(frozen=True)
class Place:
    """A place where a model can be cut: its layer, and the shape of the code there."""

    name: str
    shape: tuple[int, ...]


@dataclass
class Halves:
    """Encoder and decoder as they came, and what goes in and out.

    Attributes
    ----------
    encoder, decoder
        Models of Keras, or functions of a SavedModel; None where there is none.
    generation
        The Keras that both belong to.
    image_shape, latent_shape
        Of pictures and codes as the window has them; controls are not counted.
    layout_in, layout_out, mean, log_variance, picture_in, code_in, controls
        As in `explorer.models.foreign.record.Imported`.
    bottleneck, places
        Where it was cut, and where it could be, the likeliest first; empty where it came in two.
    notes
        What was done and guessed, in words.
    """

    encoder: Any
    decoder: Any
    generation: Generation
    image_shape: ImageShape = (0, 0, 0)
    latent_shape: tuple[int, ...] = ()
    layout_in: Layout = "hwc"
    layout_out: Layout = "hwc"
    mean: int = 0
    log_variance: int | None = None
    picture_in: int = 0
    code_in: int = 0
    controls: tuple[Control, ...] = ()
    bottleneck: str = ""
    places: tuple[Place, ...] = ()
    notes: list[str] = field(default_factory=list)


def split(loaded: Loaded, bottleneck: str | None = None) -> Halves:
    """Find encoder and decoder in what one file held.

    Parameters
    ----------
    loaded
        A whole model, or the models that a subclass held.
    bottleneck
        The layer to cut at; the likeliest where left out.

    Raises
    ------
    ModelError
        If there is no place to cut, or an input or output is no picture.
    """
    if "" not in loaded.models:
        encoder, decoder = _held(loaded)
        return pair(encoder, decoder, loaded)
    model = loaded.models[""]
    nested = _attributes(model)
    if nested is not None:
        return pair(*nested, loaded)
    if isinstance(model, SavedFunction):
        return _one_function(model, loaded)
    _check_built(model, loaded)
    model = _with_fixed_size(model, loaded.generation)
    picture, size = _largest(model.inputs)
    values = prod(side or 1 for side in graph.shape_of(model.outputs[0]))
    if len(model.outputs) == 1 and size == values:
        return _cut(model, picture, loaded, bottleneck)
    if len(model.outputs) == 1 and size < values and layout_of(graph.shape_of(model.outputs[0])):
        _refuse_other_size(model, loaded)
        return pair(None, model, loaded)
    _refuse_other_size(model, loaded)
    return pair(model, None, loaded)


def pair(encoder: Any, decoder: Any, loaded: Loaded, other: Loaded | None = None) -> Halves:
    """Return two models that belong together, or one of them alone.

    Parameters
    ----------
    encoder, decoder
        Models or functions; one of them may be None.
    loaded, other
        Where they come from.

    Raises
    ------
    ModelError
        If they do not fit, or take or give no pictures.
    """
    if other is not None and other.generation != loaded.generation:
        raise ModelError(
            "encoder and decoder of one Keras",
            f"one of Keras {loaded.generation} and one of Keras {other.generation}",
            "Save both again with the same version.",
        )
    for model in (encoder, decoder):
        if model is not None and not isinstance(model, SavedFunction):
            _check_built(model, loaded)
    if encoder is not None and not isinstance(encoder, SavedFunction):
        encoder = _encoder_alone(_with_fixed_size(encoder, loaded.generation), loaded.generation)
    halves = Halves(encoder, decoder, loaded.generation)
    halves.notes += loaded.rewritten.notes + (other.rewritten.notes if other is not None else ())
    return _understood(halves, loaded)


def _encoder_alone(encoder: Any, generation: Generation) -> Any:
    """Return an encoder that gives mean and log-variance where it sampled between them."""
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
            "an encoder and a decoder among the models within",
            ", ".join(f"“{name}”" for name in names),
            "Save encoder and decoder as models of their own, and import both.",
        )
    return loaded.models[first], loaded.models[second]


def _attributes(model: Any) -> tuple[Any, Any] | None:
    """Return encoder and decoder of a subclass that has them as attributes, as ``tf_keras`` brings them back."""
    if isinstance(model, SavedFunction) or getattr(model, "_is_graph_network", False):
        return None
    found = [getattr(model, name, None) for name in ("encoder", "decoder")]
    return (found[0], found[1]) if all(graph.is_model(part) for part in found) else None


def _check_built(model: Any, loaded: Loaded) -> None:
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        raise ModelError(
            "a model made of layers from its inputs to its outputs",
            f"{loaded.file.name}, whose way from input to output is code of a class of its own",
            "Save its encoder and its decoder as models of their own, and import both.",
        )


def _with_fixed_size(model: Any, generation: Generation) -> Any:
    """Return a model that takes pictures of any size as one that takes one."""
    shapes = [graph.shape_of(tensor) for tensor in model.inputs]
    if not any(None in shape for shape in shapes):
        return model
    library = keras_of(generation)
    inputs = [library.Input(tuple(FREE_SIDE if side is None else side for side in shape)) for shape in shapes]
    fixed = library.models.clone_model(model, input_tensors=inputs if len(inputs) > 1 else inputs[0])
    fixed.set_weights(model.get_weights())
    return fixed


def _largest(tensors: list[Any]) -> tuple[Any, int]:
    sizes = [prod(side or 1 for side in graph.shape_of(tensor)) for tensor in tensors]
    best = max(range(len(sizes)), key=sizes.__getitem__)
    return tensors[best], sizes[best]


def _refuse_other_size(model: Any, loaded: Loaded) -> None:
    """Refuse a model from pictures to pictures of another shape: neither half of an autoencoder, nor one."""
    given, made = graph.shape_of(model.inputs[0]), graph.shape_of(model.outputs[0])
    if len(model.inputs) == 1 and len(given) >= 2 and len(made) >= 2 and layout_of(given) and layout_of(made):
        raise ModelError(
            "an autoencoder, which gives pictures of the shape that it takes",
            f"{loaded.file.name}, from {words(given)} to {words(made)}",
            "Import one of the two halves alone, or a model that keeps the shape.",
        )


def _cut(model: Any, picture: Any, loaded: Loaded, bottleneck: str | None) -> Halves:
    found = graph.likeliest_first(list(graph.cuts(model, picture, loaded.generation)))
    size = prod(side or 1 for side in graph.shape_of(picture))
    offered = [cut for cut in found if cut.values < size or cut.sampled or cut.between]
    # A code may be longer than a picture, as sparse ones are; but where skip connections meet is no code.
    offered = offered or [cut for cut in found if cut.values <= LONGEST_CODE * size]
    if not offered:
        raise ModelError(
            "a layer that everything passes between input and output",
            f"{loaded.file.name}, which has none (as with skip connections)",
            "Save encoder and decoder as models of their own, and import both.",
        )
    chosen = offered[0]
    if bottleneck is not None:
        named = [cut for cut in found if bottleneck in {cut.name, cut.name.rsplit("/", 1)[-1]}]
        if not named:
            names = ", ".join(f"{cut.name} ({words(cut.shape)})" for cut in offered[:8])
            raise ModelError(f"a layer to cut at: {names}", f"“{bottleneck}”", "Choose one of these (--bottleneck).")
        chosen = named[0]
    try:
        encoder, decoder = chosen.halves()
    except Exception as error:
        raise ModelError(
            f"a model that can be cut at “{chosen.name}”",
            f"“{str(error).splitlines()[0][:160] if str(error) else type(error).__name__}”",
            "Choose another layer (--bottleneck), or save encoder and decoder as models of their own.",
        ) from error
    halves = Halves(encoder, decoder, loaded.generation, bottleneck=chosen.name)
    halves.places = tuple(Place(cut.name, cut.shape) for cut in offered)
    halves.notes += loaded.rewritten.notes
    return _understood(halves, loaded)


def _one_function(model: SavedFunction, loaded: Loaded) -> Halves:
    size, values = (prod(side or 1 for side in shapes[0][1:]) for shapes in (model.inputs, model.outputs))
    if size == values:
        raise ModelError(
            "a model that can be cut at its code",
            f"{loaded.file.name}, a function without layers",
            "Import the .keras file it was made from, or export encoder and decoder apart and import both.",
        )
    return pair(None, model, loaded) if size < values else pair(model, None, loaded)


# -- what goes in and out --------------------------------------------------------------------------------------------


def words(shape: tuple[int | None, ...]) -> str:
    """Return a shape as people write it."""
    return "×".join("?" if side is None else str(side) for side in shape)


def layout_of(shape: tuple[int | None, ...]) -> tuple[Layout, ImageShape] | None:
    """Return how a network holds a picture of that shape, and the picture's shape; None where it is none."""
    if None in shape:
        return None
    sides = tuple(side for side in shape if side is not None)
    low, high = _SIDES
    if len(sides) == 2 and all(low <= side <= high for side in sides):
        return "hw", (*sides, 1)
    if len(sides) == 3 and sides[2] in {1, 3} and all(low <= side <= high for side in sides[:2]):
        return "hwc", sides
    if len(sides) == 3 and sides[0] in {1, 3} and all(low <= side <= high for side in sides[1:]):
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


def _output_shapes(model: Any) -> list[tuple[int | None, ...]]:
    if isinstance(model, SavedFunction):
        return [shape[1:] for shape in model.outputs]
    return [graph.shape_of(tensor) for tensor in model.outputs]


def _no_picture(what: str, shape: tuple[int | None, ...], loaded: Loaded) -> ModelError:
    return ModelError(
        "pictures as height×width, with 1 or 3 channels first or last, or as one row of a square",
        f"{loaded.file.name}, which {what} {words(shape)}{' values' if len(shape) == 1 else ''}",
        "Latent Explorer is for models of pictures.",
    )


def _understood(halves: Halves, loaded: Loaded) -> Halves:
    """Say what each input and output is."""
    code: tuple[int | None, ...] | None = None
    encoder_controls: dict[str, tuple[int, tuple[int, ...]]] = {}
    if halves.encoder is not None:
        given = _inputs(halves.encoder)
        halves.picture_in = max(range(len(given)), key=lambda place: prod(side or 1 for side in given[place][1]))
        understood = layout_of(given[halves.picture_in][1])
        if understood is None:
            raise _no_picture("takes", given[halves.picture_in][1], loaded)
        halves.layout_in, halves.image_shape = understood
        halves.mean, halves.log_variance = _code_outputs(halves, loaded)
        code = _output_shapes(halves.encoder)[halves.mean]
        encoder_controls = _others(given, halves.picture_in, loaded)
    decoder_controls: dict[str, tuple[int, tuple[int, ...]]] = {}
    if halves.decoder is not None:
        given = _inputs(halves.decoder)
        halves.code_in = _code_input(given, code, loaded)
        code = given[halves.code_in][1] if code is None else code
        decoder_controls = _others(given, halves.code_in, loaded)
        made = _output_shapes(halves.decoder)[0]
        understood = layout_of(made)
        if understood is None:
            raise _no_picture("gives", made, loaded)
        halves.layout_out = understood[0]
        if halves.encoder is not None and understood[1] != halves.image_shape:
            raise ModelError(
                f"a decoder for pictures of {words(halves.image_shape)}, as the encoder takes them",
                words(understood[1]),
                "Import two that were trained together.",
            )
        halves.image_shape = understood[1]
    if code is None or None in code or not code:
        raise ModelError("a code of one fixed shape", words(code or ()), "Save the model with a fixed input size.")
    halves.latent_shape = tuple(side for side in code if side is not None)
    halves.controls = _controls(encoder_controls, decoder_controls, halves)
    if halves.controls and halves.log_variance is not None:
        halves.log_variance = None
        halves.notes.append("with inputs beside the picture only the mean of the code is used, not its spread")
    return halves


def _code_outputs(halves: Halves, loaded: Loaded) -> tuple[int, int | None]:
    """Return which of an encoder's outputs is the code, or its mean, and which its log-variance."""
    shapes = _output_shapes(halves.encoder)
    if len(shapes) == 1:
        return 0, None
    if len(shapes) not in {2, 3} or len(set(shapes)) != 1:
        raise ModelError(
            "an encoder that gives a code, or mean and log-variance, or these and a sample",
            f"{len(shapes)} outputs of {', '.join(words(shape) for shape in shapes)}",
            "Save the encoder with its code as its only output.",
        )
    if isinstance(halves.encoder, SavedFunction):
        return 0, 1
    names = [graph.producer(tensor)[0].name.lower() for tensor in halves.encoder.outputs]
    variance = next((place for place, name in enumerate(names) if "var" in name or "log" in name), 1)
    sigma = next((place for place, name in enumerate(names) if "std" in name or "sigma" in name), None)
    if sigma is not None and "log" not in names[sigma] and not any("var" in name for name in names):
        halves.notes.append(f"“{names[sigma]}” is a standard deviation by its name: only the mean is used")
        return next(place for place in range(len(names)) if place != sigma), None
    if loaded.rewritten.deviations:
        halves.notes.append("the spread is a standard deviation by its name: only the mean is used")
        return 0, None
    means = [place for place in range(len(names)) if place != variance]
    mean = next((place for place in means if "mean" in names[place] or "mu" in names[place]), means[0])
    return mean, variance


def _code_input(
    given: list[tuple[str, tuple[int | None, ...]]], code: tuple[int | None, ...] | None, loaded: Loaded
) -> int:
    if len(given) == 1 and code is None:
        return 0
    fitting = [place for place, (_, shape) in enumerate(given) if code is None or shape == code]
    if not fitting:
        raise ModelError(
            f"a decoder for codes of {words(code or ())}, as the encoder gives them",
            " and ".join(words(shape) for _, shape in given),
            "Import two that were trained together.",
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
                "inputs beside the picture that are a number or a row of numbers",
                f"“{name}” of {words(shape)}",
                "Save a model that takes the picture alone.",
            )
        others[name] = (place, tuple(side for side in shape if side is not None))
    return others


def _controls(
    encoder: dict[str, tuple[int, tuple[int, ...]]], decoder: dict[str, tuple[int, tuple[int, ...]]], halves: Halves
) -> tuple[Control, ...]:
    """Match the further inputs of both halves by name, else by shape."""
    controls: list[Control] = []
    left = dict(encoder)
    for name, (place, shape) in decoder.items():
        match = name if name in left else next((key for key, (_, other) in left.items() if other == shape), None)
        in_encoder = left.pop(match)[0] if match is not None else None
        choices = _choices(halves.decoder, place, shape)
        controls.append(Control(name=name, shape=shape, choices=choices, in_encoder=in_encoder, in_decoder=place))
    for name, (place, shape) in left.items():
        choices = _choices(halves.encoder, place, shape)
        controls.append(Control(name=name, shape=shape, choices=choices, in_encoder=place))
    return tuple(controls)


def _choices(model: Any, place: int, shape: tuple[int, ...]) -> int:
    """Return how many values a control may have: rows of a one-hot vector, or numbers that an embedding knows."""
    if prod(shape) > 1:
        return prod(shape) if prod(shape) <= MOST_CHOICES else 0
    if isinstance(model, SavedFunction):
        return 0
    tensor = model.inputs[place]
    for layer in model.layers:
        sources = [source for node in layer._inbound_nodes for source in _node_inputs(node)]
        if type(layer).__name__ == "Embedding" and any(source is tensor for source in sources):
            return min(int(layer.input_dim), MOST_CHOICES)
    return 0


def _node_inputs(node: Any) -> list[Any]:
    return list(node.keras_inputs if hasattr(node, "keras_inputs") else node.input_tensors)
