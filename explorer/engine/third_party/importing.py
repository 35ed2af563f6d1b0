"""Examines or imports a third-party model, from file to bundle."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from explorer.data.mixer import unmixed
from explorer.data.preprocessing import to_floats
from explorer.data.sources import open_source
from explorer.engine import messages
from explorer.engine.compiled import Compiled
from explorer.engine.provenance import data_record, library_versions
from explorer.engine.saving import save_network
from explorer.engine.third_party.infer_io import Trial, TrialCodec, codec_of, try_images
from explorer.engine.third_party.loading import SavedFunction, holds_stand_in, load, load_pair
from explorer.engine.third_party.onnx_model import OnnxModel, holds_onnx, open_onnx
from explorer.engine.third_party.split_model import SplitModel, pair, split, words
from explorer.errors import ExplorerError, ModelError, exception_message
from explorer.messages import message
from explorer.models.bundle import CODES, COMPILED, NETWORKS, check_replaceable, seal
from explorer.models.card import Card
from explorer.models.codes import save_codes
from explorer.models.conditions import conditions_of
from explorer.models.evaluation import evaluate
from explorer.models.import_record import POOR, Imported, range_text
from explorer.models.preview import write_preview
from explorer.models.reservation import Reservation
from explorer.models.sample import prior_sample, sample_codes
from explorer.models.third_party.files import ambiguous, dangers_in, files_by_role, files_of, roles_in
from explorer.models.third_party.request import Choices, ImportRequest
from explorer.models.third_party.safety import Finding, check
from explorer.paths import check_apart, replacing_folder
from explorer.reading import reason_of
from explorer.steps import follow
from explorer.types import Floats, Indices, Pixels

SHOWN = 8
MEASURED, _FEWEST_MEASURED = 2_000, 64
"""Maximum and minimum number of images that an import is evaluated on; fewer of large images."""

_MEASURED_PIXELS = MEASURED * 64 * 64

_TOGETHER = 3
_SAME = 1e-3
"""Relative difference of codes that is due to rounding."""


@dataclass
class Opened:
    """A loaded model: encoder and decoder, what `try_images` found, and both adapted to it."""

    split_model: SplitModel | OnnxModel
    trial: Trial
    networks: TrialCodec

    @property
    def record(self) -> Imported:
        return self.trial.record


def examine(request: ImportRequest) -> Generator[messages.ImportEvent, None, None]:
    """Examine a model and reconstruct a few images, without writing anything; ModelError if it cannot be imported."""
    opened = yield from _open(request)
    split_model, record, networks = opened.split_model, opened.record, opened.networks
    originals, made = map(unmixed, _examples(opened))
    yield messages.Examined(
        record=record,
        image_shape=split_model.image_shape,
        latent_shape=networks.latent_shape,
        places=tuple((place.name, place.shape) for place in split_model.places),
        outputs=split_model.outputs,
        images=opened.trial.source.title,
        error=opened.trial.error,
        originals=originals,
        reconstructions=made,
    )


def import_model(request: ImportRequest) -> Generator[messages.ImportEvent, None, None]:
    """Import a model and write its bundle.

    Raises ModelError if it cannot be imported; ExportError if the folder exists already or is not writable.
    """
    check_apart(request.out, files_of(request))
    check_replaceable(request.out, force=request.force)
    last: messages.ImportEvent | None = None
    with Reservation(request.out):
        for event in _import(request):
            if isinstance(event, messages.ENDINGS):
                last = event  # sent after the reservation is released
            else:
                yield event
    if last is not None:
        yield last


def _import(request: ImportRequest) -> Iterator[messages.ImportEvent]:
    opened = yield from _open(request)
    trial, networks, record = opened.trial, opened.networks, opened.record
    conditions = conditions_of(record.controls, networks.latent_dim)
    test = _test_indices(opened)
    figures: dict[str, Any] = {"metrics": {}}
    if record.parts == "both":
        evaluation = yield from follow(
            evaluate(networks, trial.source, test, trial.preprocessing),
            lambda step: messages.Working(message("Measuring"), step.done, step.total),
        )
        figures = {"metrics": evaluation.metrics(), "channel_metrics": evaluation.channels}
    if record.parts == "decoder":
        sample = prior_sample(networks, networks.latent_shape, conditions)
    else:
        sample = yield from follow(
            sample_codes(networks, trial.source, test, trial.preprocessing, networks.latent_shape, conditions),
            lambda step: messages.Working(message("Encoding sample images"), step.done, step.total),
        )
    yield messages.Working(message("Compiling"))
    with replacing_folder(request.out, replaceable=partial(check_replaceable, force=request.force)) as folder:
        compiled = _write_compiled(opened, folder)
        record = _save_networks(opened, folder, compiled)
        save_codes(folder / CODES, sample, spatial=len(networks.latent_shape) > 1)
        if record.parts != "encoder":
            write_preview(folder, networks, sample)
        yield messages.Working(message("Saving the model"))
        seal(folder, _card(request, opened, record, compiled, figures))
    yield messages.ImportFinished(
        path=str(request.out.resolve()),
        name=request.out.name,
        image_shape=opened.split_model.image_shape,
        latent_shape=networks.latent_shape,
        engine="onnx" if compiled.ok else "keras",
        max_difference=(compiled.max_difference if compiled.ok else 0.0) if compiled.compared else None,
        notes=(*record.notes, *_warnings(opened)),
        framework=opened.split_model.framework if isinstance(opened.split_model, OnnxModel) else "Keras",
        conditions=conditions.text if conditions is not None else "",
    )


def _warnings(opened: Opened) -> list[str]:
    """Return what the user should know of the trial, which is no property of the model."""
    if not opened.trial.error > POOR:
        return []
    note = message(
        "The reconstruction of {images} loses {lost:.0%} of the variance: "
        "open images that the model knows, or set --range-in, --range-out (“logits” for a missing sigmoid) or --fit",
        images=opened.trial.source.title,
        lost=min(1.0, opened.trial.error),
    )
    return [str(note)]


def _open(request: ImportRequest) -> Generator[messages.ImportEvent, None, Opened]:
    split_model: SplitModel | OnnxModel
    if holds_onnx(request):
        split_model = yield from open_onnx(request)
        record = split_model.record(request.title)
    else:
        yield messages.Working(message("Loading Keras and the model"))
        split_model = _parts(request)
        record = _record(request, split_model)
    yield messages.Working(message("Trying the model on images"))
    own = None
    with suppress(ExplorerError):
        # The open dataset may have been moved since; it is optional for the import.
        own = open_source(request.data) if request.data is not None else None
    try:
        trial = try_images(split_model, record, request.choices, own)
        networks = codec_of(split_model, trial.record)
        if record.parts != "encoder":
            networks.decode(np.zeros((1, networks.latent_dim), np.float32))
        if record.parts != "decoder":
            networks.encode(np.zeros((1, *split_model.image_shape), np.float32))
    except ExplorerError:
        raise
    except Exception as error:
        failure = ModelError(
            "{file} fails on images of {shape}: {reason}. Test it where it was made, and save it again.",
            file=request.title,
            shape=words(split_model.image_shape),
            reason=reason_of(error),
        )
        failure.add_note(str(error))
        raise failure from error
    return Opened(split_model, _noted(trial, networks), networks)


def _record(request: ImportRequest, split_model: SplitModel) -> Imported:
    """Return the record of a Keras model so far, with the default ranges."""
    encodes, decodes = split_model.encoder is not None, split_model.decoder is not None
    parts: Literal["both", "encoder", "decoder"] = "both"
    if not (encodes and decodes):
        parts = "encoder" if encodes else "decoder"
    return Imported(
        file=request.title,
        keras=split_model.generation,
        networks=not any(isinstance(part, SavedFunction) for part in (split_model.encoder, split_model.decoder)),
        bottleneck=split_model.bottleneck,
        layout_in=split_model.layout_in,
        layout_out=split_model.layout_out,
        mean=split_model.mean,
        log_variance=split_model.log_variance,
        image_in=split_model.image_in,
        code_in=split_model.code_in,
        controls=split_model.controls,
        parts=parts,
        notes=tuple(split_model.notes),
    )


def _noted(trial: Trial, networks: TrialCodec) -> Trial:
    """Add notes about what was found by trying."""
    notes = list(trial.record.notes)
    if trial.record.range_out == "logits":
        notes.append(str(message("The decoder gives logits, which a sigmoid turns into images")))
    if trial.record.fit == "pad":
        notes.append(str(message("Smaller images get a border instead of being enlarged")))
    if trial.record.parts != "decoder":
        notes += _instability(networks)
    return replace(trial, record=trial.record.model_copy(update={"notes": tuple(notes)}))


def _instability(networks: TrialCodec) -> list[str]:
    """Return a note if a code is random, or depends on the other images of its batch."""
    images = np.random.default_rng(0).uniform(0, 1, (_TOGETHER, *networks.image_shape)).astype(np.float32)
    together = networks.encode(images)
    if not _equal(together, networks.encode(images)):
        return [str(message("Codes are random: every encoding of an image gives another one"))]
    alone = np.concatenate([networks.encode(image[None]) for image in images])
    if not _equal(together, alone):
        return [str(message("The code of an image depends on the other images that are encoded with it"))]
    return []


def _equal(one: Floats, two: Floats) -> bool:
    return bool(np.allclose(one, two, rtol=_SAME, atol=_SAME * max(1.0, float(np.abs(one).max()))))


def _parts(request: ImportRequest) -> SplitModel:
    files, trust = files_by_role(request), request.trust
    whole, first, second = (files.get(role) for role in ("whole", "encoder", "decoder"))
    if request.decoder_only and (request.encoder, request.decoder) != (None, None):
        raise ModelError(
            "--decoder-only is for one file or folder, and cannot be given with --encoder or --decoder. "
            "Give --decoder alone."
        )
    if whole is not None and (request.encoder, request.decoder) != (None, None):
        return _named_within(whole, request.encoder, request.decoder, request)
    if request.decoder_only and second is not None:
        first = None
    if first is not None and second is not None:
        code = [] if trust else [finding for finding in dangers_in(first) if finding.can_be_trusted]
        if code and not dangers_in(second):
            # Such as a Lambda that repeats a label.
            loaded = load(second)
            return _noting_loss(pair(None, loaded.models.get(""), loaded, choices=request.choices), code[0])
        one, two = load_pair(first, second, trust=trust)
        return pair(one.models.get(""), two.models.get(""), one, two, choices=request.choices)
    if second is not None:
        loaded = load(second, trust=trust)
        return pair(None, loaded.models.get(""), loaded, choices=request.choices)
    # An encoder without a decoder may be a whole model by its shapes.
    alone = whole or first
    assert alone is not None
    dangers = () if trust and not request.decoder_only else dangers_in(alone)
    if request.decoder_only or (dangers and all(finding.danger == "code" for finding in dangers)):
        return _decoder_of(alone, dangers, request)
    split_model = split(load(alone, trust=trust), request.choices)
    if whole is not None and whole != request.path and None in {split_model.encoder, split_model.decoder}:
        # Not a whole model by its shapes, but chosen for its name.
        assert request.path is not None
        _check_alone(request.path)
    return split_model


def _decoder_of(path: Path, found: tuple[Finding, ...], request: ImportRequest) -> SplitModel:
    """Return the decoder of a whole model, of which none of the code in it runs, even if it is trusted.

    ModelError if there is none, or it needs the code, too; or if the model takes images alone and the user did not ask
    for the decoder: then more would be lost than the label of an image, which a Lambda repeats.
    """
    try:
        loaded = load(path, without_code=True)
        model = loaded.models.get("")
        wanted = request.decoder_only or len(getattr(model, "inputs", ())) > 1
        whole = split(loaded, request.choices) if wanted else SplitModel(None, None, loaded.generation)
    except ModelError:
        # The code is the first thing to say of the model.
        _check_without_code(found, request)
        raise
    if whole.decoder is None or holds_stand_in(whole.decoder):
        _check_without_code(found, request)
        raise ModelError("{file} has no decoder. Import it without --decoder-only.", file=path.name)
    split_model = pair(None, whole.decoder, loaded, choices=request.choices)
    split_model.bottleneck, split_model.places = whole.bottleneck, whole.places
    return _noting_loss(split_model, found[0] if found and not request.trust else None)


def _check_without_code(found: tuple[Finding, ...], request: ImportRequest) -> None:
    """Check that a model that cannot be imported without its code has none."""
    check(found, trust=request.trust)
    if found:
        raise ModelError(
            "The decoder cannot be imported without the code in the model: {finding}. "
            "Import the model without --decoder-only.",
            finding=found[0].message,
        )


def _noting_loss(split_model: SplitModel, code: Finding | None) -> SplitModel:
    if code is None:
        split_model.notes.append(str(message("Only the decoder is imported, so images cannot be encoded")))
        return split_model
    note = message(
        "Only the decoder is imported, so images cannot be encoded: {code} in the encoder. "
        "Import it with --trust if you trust the author",
        code=code.message,
    )
    split_model.notes.append(str(note))
    return split_model


def _check_alone(folder: Path) -> None:
    """Check that nothing else in a folder could be meant."""
    if any(role != "whole" for role in roles_in(folder)):
        raise ambiguous(folder)


def _named_within(path: Path, first: Path | None, second: Path | None, request: ImportRequest) -> SplitModel:
    loaded = load(path, trust=request.trust)
    model = loaded.models.get("")
    inside: dict[str, Any] = {**loaded.models, **{layer.name: layer for layer in getattr(model, "layers", [])}}
    parts = []
    for name in (first, second):
        part = None if name is None else inside.get(str(name))
        if name is not None and not getattr(part, "layers", None):
            models = [key for key, value in inside.items() if key and getattr(value, "layers", None)]
            if not models:
                raise ModelError(
                    "“{name}” does not exist: there is no such file, and {file} has no nested models. "
                    "Choose two files, or neither to split the model at its bottleneck.",
                    name=name,
                    file=path.name,
                )
            raise ModelError(
                "“{name}” is neither a file nor one of the models in {file}: {models}. "
                "Choose one of these or a file, or neither encoder nor decoder to split the model at its bottleneck.",
                name=name,
                file=path.name,
                models=models,
            )
        parts.append(part)
    return pair(parts[0], parts[1], loaded, choices=request.choices)


def _examples(opened: Opened) -> tuple[Pixels | Floats, Pixels | Floats]:
    """Return a few images and their reconstructions; decoded random codes if there is no encoder."""
    networks, trial = opened.networks, opened.trial
    if opened.record.parts == "decoder":
        conditions = conditions_of(opened.record.controls, networks.latent_dim)
        rows = prior_sample(networks, networks.latent_shape, conditions, SHOWN)
        return np.zeros((0, *networks.image_shape), np.uint8), rows.thumbnails
    chosen = _test_indices(opened)
    pixels, _ = trial.source.read_available(
        chosen[np.linspace(0, len(chosen) - 1, SHOWN).astype(np.int64)], trial.preprocessing
    )
    if opened.record.parts == "encoder":
        return pixels, np.zeros((0, *networks.image_shape), np.uint8)
    return pixels, networks.decode(networks.encode(to_floats(pixels)))


def _test_indices(opened: Opened) -> Indices:
    source = opened.trial.source
    test = source.splits.test if len(source.splits.test) else np.arange(source.count)
    height, width, _ = opened.split_model.image_shape
    count = min(MEASURED, len(test), max(_FEWEST_MEASURED, _MEASURED_PIXELS // (height * width)))
    return test[np.linspace(0, len(test) - 1, count).astype(np.int64)]


def _write_compiled(opened: Opened, folder: Path) -> Compiled:
    networks, record, split_model = opened.networks, opened.record, opened.split_model
    if isinstance(split_model, OnnxModel):
        return split_model.write(folder, record)
    # Imported here, since ONNX files need no TensorFlow.
    from explorer.engine.compile import compile_function
    from explorer.engine.third_party.networks import ThirdPartyNetworks

    assert isinstance(networks, ThirdPartyNetworks)
    results: list[Compiled] = []
    if split_model.encoder is not None:
        names = ("mean", "log_variance") if record.variational else ("code",)
        shape = networks.encoder_shape
        results.append(compile_function(networks.encode_tensors, shape, folder / COMPILED[0], names))
    if split_model.decoder is not None:
        shape = networks.latent_shape
        results.append(compile_function(networks.decode_tensors, shape, folder / COMPILED[1], ("picture",)))
    failed = next((result for result in results if not result.ok), None)
    if failed is None:
        return max(results, key=lambda result: result.max_difference)
    for name in COMPILED:
        (folder / name).unlink(missing_ok=True)
    return failed


def _save_networks(opened: Opened, folder: Path, compiled: Compiled) -> Imported:
    """Save encoder and decoder with Keras, and return the updated record; ModelError if nothing can run them."""
    record = opened.record
    saved = record.networks
    reason = message("it is a function of a SavedModel")
    if saved:
        for model, name in zip((opened.split_model.encoder, opened.split_model.decoder), NETWORKS, strict=True):
            if model is not None:
                try:
                    save_network(model, folder / name)
                except OSError:
                    raise
                except Exception as error:
                    saved, reason = False, exception_message(error)
    if not saved:
        for name in NETWORKS:
            (folder / name).unlink(missing_ok=True)
        if not compiled.ok:
            raise ModelError(
                "The model can neither be converted to ONNX ({onnx}) nor saved by Keras ({keras}). "
                "Replace the unsupported layer, and save it again.",
                onnx=compiled.reason,
                keras=reason,
            )
    notes = record.notes
    if not compiled.ok:
        note = message("It runs in Keras, which is slower: no conversion to ONNX ({reason})", reason=compiled.reason)
        notes = (*notes, str(note))
    return record.model_copy(update={"networks": saved, "notes": notes})


def _card(
    request: ImportRequest, opened: Opened, record: Imported, compiled: Compiled, figures: dict[str, Any]
) -> Card:
    trial, split_model = opened.trial, opened.split_model
    if isinstance(split_model, OnnxModel):
        parameters = split_model.parameters
    else:
        parameters = _parameters(split_model.encoder), _parameters(split_model.decoder)
    data = data_record(trial.source, ()).model_copy(update={"content_hash": trial.source.content_hash()})
    return Card(
        name=request.out.name,
        task="reconstruct",
        architecture="imported",
        arguments={"latent": opened.networks.latent_dim},
        variational=record.variational,
        image_shape=split_model.image_shape,
        latent_shape=opened.networks.latent_shape,
        preprocessing=trial.preprocessing,
        engine="onnx" if compiled.ok else "keras",
        max_difference=compiled.max_difference if compiled.ok else 0.0,
        encoder_params=parameters[0],
        decoder_params=parameters[1],
        data=data,
        imported=record,
        seconds=0.0,
        command=_command(request, record),
        **figures,
        versions=library_versions() | {"written": datetime.now(UTC).strftime("%Y-%m-%d")},
    )


def _parameters(model: Any) -> int:
    return 0 if model is None or isinstance(model, SavedFunction) else int(model.count_params())


def _command(request: ImportRequest, record: Imported) -> str:
    """Return the equivalent command line; paths are reduced to their last part."""
    said = ["latent-explorer", "import"]
    said += [request.path.name] if request.path is not None else []
    said += ["--out", request.out.name]
    for option, part in (("--encoder", request.encoder), ("--decoder", request.decoder)):
        said += [option, part.name] if part is not None else []
    said += _options(request.choices)
    said += ["--data", Path(request.data).name] if request.data is not None else []
    said += ["--decoder-only"] if request.decoder_only else []
    return shlex.join([*said, *(["--trust"] if request.trust else [])])


def _options(choices: Choices) -> list[str]:
    """Return the options of the command line for what the user stated."""
    given = {
        "--bottleneck": choices.bottleneck,
        "--range-in": range_text(choices.range_in),
        "--range-out": range_text(choices.range_out),
        "--fit": choices.fit,
        "--code": choices.code,
        "--log-variance": choices.log_variance,
        "--layout": choices.layout,
        "--condition": ",".join(f"{value:g}" for value in choices.condition or ()),
    }
    # A value that begins with a minus needs the equals sign.
    return [f"{option}={value}" for option, value in given.items() if value]
