"""Long looks at a model: quality over noise, pictures ranked by their error, files cleaned.

Asked for by panels, answered by `explorer.workers.analyst.Analyst`. Belongs to the main thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from psygnal import Signal

from explorer.data.corruption import Noise
from explorer.data.source import Source
from explorer.latent.sampling import FittedPrior
from explorer.messages import Wording
from explorer.models.cleaning import Cleaned
from explorer.models.codes import CodeSample
from explorer.models.outliers import Outliers, ThresholdRule
from explorer.models.quality import QualityCurve
from explorer.types import Codec, Floats, Pixels

Study = Literal["quality", "ranking", "prior", "codes", "index", "directions", "probe"]


@dataclass(frozen=True)
class QualityRequest:
    """Measure a model over the strength of the last of these noises.

    Attributes
    ----------
    noises
        At least one; the last one's strength varies.
    path
        A bundle's folder, or None for the open model.
    """

    noises: tuple[Noise, ...]
    path: Path | None = None


@dataclass(frozen=True, eq=False)
class QualityView:
    """Curves that can be laid over one another: of the same noises, on the same pictures.

    Attributes
    ----------
    curves
        One for each model, in the order in which they were measured.
    source
        Title of the pictures.
    """

    curves: tuple[QualityCurve, ...] = ()
    source: str = ""

    def with_curve(self, curve: QualityCurve, source: str) -> QualityView:
        """Return this with one more curve, in the place of the same model's; alone where the others do not compare."""
        first = self.curves[0] if self.curves else curve
        same = (first.noises, first.varied, first.count) == (curve.noises, curve.varied, curve.count)
        if not same or source != self.source:
            return QualityView((curve,), source)
        if curve.label in [one.label for one in self.curves]:
            return QualityView(tuple(curve if one.label == curve.label else one for one in self.curves), source)
        return QualityView((*self.curves, curve), source)


@dataclass(frozen=True, eq=False)
class RankingView:
    """Pictures by how badly a model reconstructs them.

    Attributes
    ----------
    ranking
        The figures of all pictures.
    source
        The pictures.
    model
        The model's name.
    shown
        Places in the ranking, from 0 for the worst, whose pictures are at hand: the worst and the best.
    pictures
        Uint8 ``(2, len(shown), h, w, c)``: the pictures as the model takes them, and their reconstructions.
    """

    ranking: Outliers
    source: Source
    model: str
    shown: tuple[int, ...]
    pictures: Pixels


@dataclass(frozen=True, eq=False)
class CodesView:
    """Codes of all open pictures.

    Attributes
    ----------
    codec, source
        What encoded them, and the pictures.
    codes
        Float32 ``(n, latent_dim)``, in the order of the source; NaN where an image cannot be read.
    """

    codec: Codec
    source: Source
    codes: Floats


@dataclass(frozen=True, eq=False)
class Probe:
    """How well a linear classifier tells an attribute of pictures from their codes.

    Attributes
    ----------
    codec, source
        What encoded them, and the pictures.
    attribute
        A column of the pictures; None for their labels.
    classes, count
        How many there are of each; pictures whose class is unknown are left out.
    accuracy
        Share of held-out pictures that are told rightly.
    commonest
        Share of the largest class among them: what always guessing it would give.
    """

    codec: Codec
    source: Source
    attribute: str | None
    classes: int
    count: int
    accuracy: float
    commonest: float


class Studies:
    """Questions about models that take a while, and their answers.

    Signals
    -------
    quality_requested
        A `QualityRequest`.
    ranking_requested
        Rank the open pictures with the open model: a `ThresholdRule`.
    cleaning_requested
        Clean a picture or a folder with the open model: what is read, and what is written.
    quality_changed, ranking_changed
        Another answer is there, or none any more.
    codes_requested, codes_changed
        All open pictures are to be encoded; they were.
    prior_requested, prior_changed
        A prior is to be fitted to the open model's codes; it was.
    probe_requested
        Tell an attribute of the open pictures from their codes: its name, or None for the labels.
    probes_changed
        There is another `Probe`, or there are none any more.
    running_changed
        A study began or ended, well or with a problem.
    cleaned
        Files were written: a `Cleaned`.
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
        self._codes: CodesView | None = None
        self._probes: tuple[Probe, ...] = ()
        self._running: dict[Study, int] = {}
        self._problems: dict[Study, Wording] = {}

    @property
    def quality(self) -> QualityView:
        """The curves measured so far."""
        return self._quality

    def put_quality(self, quality: QualityView) -> None:
        """Show these curves."""
        self._quality = quality
        self.quality_changed.emit()

    def clear_quality(self) -> None:
        """Take all curves away."""
        self.put_quality(QualityView())

    @property
    def ranking(self) -> RankingView | None:
        """The ranking made last, or None."""
        return self._ranking

    def put_ranking(self, ranking: RankingView | None) -> None:
        """Show this ranking."""
        self._ranking = ranking
        self.ranking_changed.emit()

    @property
    def codes(self) -> CodesView | None:
        """The codes of the open pictures, as they were encoded last."""
        return self._codes

    def put_codes(self, codes: CodesView | None) -> None:
        """Take the codes of all pictures in."""
        self._codes = codes
        self.codes_changed.emit()

    @property
    def probes(self) -> tuple[Probe, ...]:
        """What was told from codes so far, one for each attribute; of one model and one set of pictures."""
        return self._probes

    def put_probe(self, probe: Probe) -> None:
        """Take a probe in, in the place of the same attribute's; those of other models or pictures go."""
        rest = [
            one
            for one in self._probes
            if one.codec is probe.codec and one.source is probe.source and one.attribute != probe.attribute
        ]
        self._probes = (*rest, probe)
        self.probes_changed.emit()

    def prior_of(self, sample: CodeSample) -> FittedPrior | None:
        """Return the prior that was fitted to these codes, or None where it was not."""
        return self._prior[1] if self._prior is not None and self._prior[0] is sample else None

    def put_prior(self, sample: CodeSample, prior: FittedPrior) -> None:
        """Take in the prior that was fitted to these codes."""
        self._prior = (sample, prior)
        self.prior_changed.emit()

    def running(self, study: Study) -> int | None:
        """Return the key of the job that a study runs as, or None."""
        return self._running.get(study)

    def put_running(self, study: Study, key: int | None) -> None:
        """Say that a study runs as a job, or has ended."""
        if key is None:
            self._running.pop(study, None)
        else:
            self._running[study] = key
            self._problems.pop(study, None)
        self.running_changed.emit()

    def problem(self, study: Study) -> Wording:
        """Return why a study has ended without an answer; empty where it runs, has an answer or was not asked."""
        return self._problems.get(study, "")

    def put_problem(self, study: Study, problem: Wording) -> None:
        """Say why a study has ended without an answer; an empty text lets it be tried again."""
        if problem != self.problem(study):
            self._problems[study] = problem
            self.running_changed.emit()
