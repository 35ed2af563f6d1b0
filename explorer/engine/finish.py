"""Writes the bundle of a trained model: metrics, sample of codes, compiled networks, card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from explorer.engine import messages
from explorer.engine.compile import compile_network
from explorer.engine.compiled import Compiled
from explorer.engine.keras_codec import KerasCodec
from explorer.engine.prepare import Prepared
from explorer.engine.provenance import data_record, library_versions
from explorer.engine.saving import save_network
from explorer.errors import ModelError
from explorer.messages import message
from explorer.models.bundle import CODES, COMPILED, NETWORKS, check_replaceable, seal
from explorer.models.card import Card, EpochRecord, kept_epochs, task_of
from explorer.models.codes import save_codes
from explorer.models.evaluation import evaluate
from explorer.models.preview import write_preview
from explorer.models.sample import sample_codes
from explorer.models.settings import command_line, delete_checkpoint
from explorer.paths import replacing_folder
from explorer.steps import follow


def finish(
    prepared: Prepared, history: Sequence[EpochRecord], seconds: float, checkpoint: Path
) -> Iterator[messages.TrainingEvent]:
    """Write the bundle, and delete the checkpoint then.

    Raises ExportError, and it is kept, if the folder cannot be written.
    """
    codec = KerasCodec(prepared.spec, prepared.encoder, prepared.decoder)
    images = prepared.source, prepared.test_indices, prepared.preprocessing
    evaluation = yield from follow(
        evaluate(codec, *images, prepared.noises),
        lambda step: messages.Working(message("Measuring on the test images"), step.done, step.total),
    )
    sample = yield from follow(
        sample_codes(codec, *images, prepared.spec.latent_shape),
        lambda step: messages.Working(message("Encoding sample images"), step.done, step.total),
    )
    yield messages.Working(message("Compiling"))
    out = prepared.request.out
    with replacing_folder(out, replaceable=partial(check_replaceable, force=prepared.request.force)) as folder:
        compiled = _write_networks(prepared, folder)
        save_codes(folder / CODES, sample, spatial=prepared.architecture.spatial)
        write_preview(folder, codec, sample)
        card = make_card(prepared, history, seconds)
        figures = {"metrics": evaluation.metrics(), "channel_metrics": evaluation.channels}
        record = card.data.model_copy(update={"content_hash": prepared.source.content_hash()})
        card = seal(
            folder, card.model_copy(update=figures | {"data": record, "max_difference": compiled.max_difference})
        )
    delete_checkpoint(checkpoint)
    value_range = prepared.preprocessing.reading.range
    yield messages.Finished(
        str(out.resolve()), evaluation.metrics(), evaluation.channels, value_range, card.decoder_hash or ""
    )


def _write_networks(prepared: Prepared, folder: Path) -> Compiled:
    plans = zip((prepared.encoder, prepared.decoder), output_names(prepared), strict=True)
    results = []
    for (model, names), network, onnx in zip(plans, NETWORKS, COMPILED, strict=True):
        save_network(model, folder / network)
        results.append(compile_network(model, folder / onnx, names))
    for result in results:
        if not result.ok:
            raise ModelError(
                "Cannot convert the network to ONNX: {reason}. Choose another architecture.", reason=result.reason
            )
    return max(results, key=lambda result: result.max_difference)


def output_names(prepared: Prepared) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ("mean", "log_variance") if prepared.spec.variational else ("code",), ("picture",)


def make_card(prepared: Prepared, history: Sequence[EpochRecord], seconds: float) -> Card:
    """Return the card of a model in training, without metrics and files."""
    spec, request = prepared.spec, prepared.request
    return Card(
        name=request.out.name,
        task=task_of(prepared.settings.noise),
        architecture=prepared.architecture.name,
        arguments={"latent": spec.latent_dim},
        variational=spec.variational,
        image_shape=spec.image_shape,
        latent_shape=spec.latent_shape,
        preprocessing=prepared.preprocessing,
        max_difference=0.0,
        encoder_params=spec.encoder.parameters,
        decoder_params=spec.decoder.parameters,
        data=data_record(prepared.source, ("train",)),
        training=prepared.settings,
        history=kept_epochs(history),
        trained_from=prepared.started_from,
        seconds=round(seconds, 1),
        command=command_line(request),
        metrics={},
        versions=library_versions() | {"written": datetime.now(UTC).strftime("%Y-%m-%d")},
    )
