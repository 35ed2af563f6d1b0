"""Long-running analyses of a model: quality over noise, outliers, codes, probes, and denoising of files.

Requested by panels, answered by `explorer.workers.analysis.AnalysisJobs`. Main thread only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from psygnal import Signal

from explorer.data.corruption import Noise
from explorer.data.source import Source
from explorer.document.closed import ClosedModel
from explorer.document.state import OpenModel
from explorer.latent.code_table import CodeTable
from explorer.latent.data_distance import CodeDistance
from explorer.latent.sampling import FittedPrior
from explorer.messages import NO_MESSAGE, Message
from explorer.models.cleaning import Cleaned
from explorer.models.codes import CodeSample
from explorer.models.outliers import Outliers, ThresholdRule
from explorer.models.quality import QualityCurve
from explorer.types import Codec, Pixels

Study = Literal["quality", "ranking", "prior", "codes", "index", "directions", "probe"]


@dataclass(frozen=True)
class QualityRequest:
    """Measure the bundle at `path`, None for the open model, over the strength of the last of at least one noise."""

    noises: tuple[Noise, ...]
    path: Path | None = None


@dataclass(frozen=True, eq=False)
class QualityView:
    """Comparable curves, one per model: of the same noises, on the same images, whose title is `source`."""

    curves: tuple[QualityCurve, ...] = ()
    source: str = ""

    def with_curve(self, curve: QualityCurve, source: str) -> QualityView:
        """Return this with a curve added, replacing that of the same model; alone if the others are not comparable."""
        first = self.curves[0] if self.curves else curve
        same = (first.noises, first.varied, first.count) == (curve.noises, curve.varied, curve.count)
        if not same or source != self.source:
            return QualityView((curve,), source)
        if curve.label in [one.label for one in self.curves]:
            return QualityView(tuple(curve if one.label == curve.label else one for one in self.curves), source)
        return QualityView((*self.curves, curve), source)


@dataclass(frozen=True, eq=False)
class RankingView:
    """Images ranked by reconstruction error.

    `shown` are ranks, 0 for the worst: the worst and the best ones. `images` are ``(2, len(shown), h, w, c)``:
    model inputs and their reconstructions.
    """

    ranking: Outliers
    source: Source
    model: str
    shown: tuple[int, ...]
    images: Pixels


@dataclass(frozen=True, eq=False)
class CodesView:
    """Codes of all open images in the order of the source, encoded by `model`; NaN if unreadable."""

    codec: Codec
    model: ClosedModel
    source: Source
    table: CodeTable


@dataclass(frozen=True, eq=False)
class Probe:
    """Accuracy on test images of a linear probe, which predicts an attribute of images from their codes.

    `attribute` is a column of the images; None for their labels. `count` is the number of images with a known class,
    `majority_class` the accuracy of always predicting the majority class.
    """

    codec: Codec
    source: Source
    attribute: str | None
    classes: int
    count: int
    accuracy: float
    majority_class: float


class Analysis:
    """Requests for long-running analyses, and their results.

    `cleaning_requested` has an input and an output path, an image or a folder, to denoise with the open model.
    `probe_requested` has the name of an attribute of the open images, or None for the labels. `codes_requested` is for
    all open images, `prior_requested` for the open model's codes. `running_changed`: an analysis started or ended, with
    or without an error; the other ``…_changed``: a result changed, or was removed.
    """

    quality_requested = Signal(QualityRequest)
    ranking_requested = Signal(ThresholdRule)
    cleaning_requested = Signal(Path, Path)
    quality_changed = Signal()
    ranking_changed = Signal()
    codes_requested = Signal()
    codes_changed = Signal()
    prior_requested = Signal()
    prior_changed = Signal()
    probe_requested = Signal(object)
    probes_changed = Signal()
    running_changed = Signal()
    cleaned = Signal(Cleaned)

    def __init__(self) -> None:
        self._quality = QualityView()
        self._ranking: RankingView | None = None
        self._prior: tuple[CodeSample, FittedPrior] | None = None
        self._distance: tuple[CodeSample, CodeDistance] | None = None
        self._codes: CodesView | None = None
        self._probes: tuple[Probe, ...] = ()
        self._running: dict[Study, int] = {}
        self._problems: dict[Study, Message] = {}

    @property
    def quality(self) -> QualityView:
        return self._quality

    def put_quality(self, quality: QualityView) -> None:
        self._quality = quality
        self.quality_changed.emit()

    def clear_quality(self) -> None:
        self.put_quality(QualityView())

    @property
    def ranking(self) -> RankingView | None:
        return self._ranking

    def put_ranking(self, ranking: RankingView | None) -> None:
        self._ranking = ranking
        self.ranking_changed.emit()

    @property
    def codes(self) -> CodesView | None:
        return self._codes

    def put_codes(self, codes: CodesView | None) -> None:
        self._codes = codes
        self.codes_changed.emit()

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The last probe of each attribute, all of one model and one source."""
        return self._probes

    def put_probe(self, probe: Probe) -> None:
        """Add a probe, replacing that of the same attribute; remove those of other models or sources."""
        rest = [
            one
            for one in self._probes
            if one.codec is probe.codec and one.source is probe.source and one.attribute != probe.attribute
        ]
        self._probes = (*rest, probe)
        self.probes_changed.emit()

    def distance_of(self, sample: CodeSample) -> CodeDistance:
        """Return the distance from these codes, UsageError if there are none; the last one is kept."""
        if self._distance is None or self._distance[0] is not sample:
            self._distance = (sample, CodeDistance(sample.codes))
        return self._distance[1]

    def prior_of(self, sample: CodeSample) -> FittedPrior | None:
        return self._prior[1] if self._prior is not None and self._prior[0] is sample else None

    def put_prior(self, sample: CodeSample, prior: FittedPrior) -> None:
        self._prior = (sample, prior)
        self.prior_changed.emit()

    def drop_former(self, model: OpenModel | None) -> None:
        """Drop what was found in the codes of models that are no longer open; it keeps their networks in memory."""
        codec, sample = (None, None) if model is None else (model.codec, model.sample)
        if self._prior is not None and self._prior[0] is not sample:
            self._prior = None
        if self._distance is not None and self._distance[0] is not sample:
            self._distance = None
        if any(one.codec is not codec for one in self._probes):
            self._probes = ()
            self.probes_changed.emit()

    def running(self, study: Study) -> int | None:
        """Return the key of the job of an analysis."""
        return self._running.get(study)

    def put_running(self, study: Study, key: int | None) -> None:
        """Set the key of the job of an analysis; None when it has ended."""
        if key is None:
            self._running.pop(study, None)
        else:
            self._running[study] = key
            self._problems.pop(study, None)
        self.running_changed.emit()

    def problem(self, study: Study) -> Message:
        return self._problems.get(study, NO_MESSAGE)

    def put_problem(self, study: Study, problem: Message) -> None:
        """Set why an analysis failed; an empty text allows it to run again."""
        if problem != self.problem(study):
            self._problems[study] = problem
            self.running_changed.emit()
