"""Decoded random codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.document.document import Document
from explorer.document.state import Sampling
from explorer.document.views.kind import Priority, ViewKind
from explorer.latent.sampling import FittedPrior, sample_normal
from explorer.models.conditions import Condition
from explorer.types import Codec, Floats

SAMPLE_COUNT = 40


@dataclass(frozen=True, eq=False)
class SamplesView:
    """Decoded codes of the fitted or the normal prior: `codes` ``(n, latent_dim)``, `images` ``(n, h, w, c)``."""

    codes: Floats
    images: Floats
    fitted: bool


def decode_samples(
    codec: Codec,
    latent_dim: int,
    sampling: Sampling,
    prior: FittedPrior | None,
    condition: Condition | None = None,
) -> Iterator[SamplesView]:
    """Decode random codes of the fitted prior, or of N(0, I) without one, under a condition."""
    rng = np.random.default_rng(sampling.seed)
    if prior is None:
        codes = sample_normal(SAMPLE_COUNT, latent_dim, rng, sampling.temperature)
    else:
        codes = prior.sample(SAMPLE_COUNT, rng, sampling.temperature)
    codes = condition.applied(codes) if condition is not None else codes
    yield SamplesView(codes, codec.decode(codes), prior is not None)


def _build(document: Document) -> Iterator[SamplesView] | None:
    """If the prior is not fitted yet, request it first."""
    model, sampling = document.state.model, document.state.sampling
    if model is None:
        return None
    prior = None
    if sampling.prior == "fitted" or (sampling.prior == "auto" and not model.card.variational):
        prior = document.analysis.prior_of(model.sample)
        if prior is None:
            document.analysis.prior_requested.emit()
            return None
    return decode_samples(model.codec, model.latent_dim, sampling, prior, document.condition.current)


SAMPLES = ViewKind[SamplesView](
    name="samples",
    build=_build,
    priority=Priority.TAB,
    depends_on={"model", "sampling"},
    signals=lambda document: (document.analysis.prior_changed, document.condition.changed),
    stale_on={"model"},
    only_watched=True,
)
