"""The jobs of comparisons end when the model or the images that they are of are closed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from explorer_testing.builders import make_model, make_source

from explorer.document.document import Document
from explorer.workers.comparison import ComparisonJobs
from explorer.workers.jobs import JobRunner


@pytest.fixture
def jobs() -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    runner.close()


@pytest.fixture
def document(qapp: object, jobs: JobRunner) -> Iterator[Document]:
    """A document with a model and images, whose comparisons run."""
    made = Document()
    comparisons = ComparisonJobs(made, jobs)
    made.open(make_model(), make_source())
    yield made
    comparisons.deleteLater()


def key_of(jobs: JobRunner) -> int:
    (job,) = jobs.jobs
    return job.key


def test_a_pca_of_closed_images_is_no_longer_fitted(document: Document, jobs: JobRunner) -> None:
    document.comparison.pca_requested.emit()
    key = key_of(jobs)
    assert jobs.running(key)
    document.open(source=make_source(9, name="others"))
    assert not jobs.running(key)


def test_a_closed_model_is_no_longer_measured(document: Document, jobs: JobRunner) -> None:
    document.comparison.put_model(make_model(seed=3))
    document.comparison.table_requested.emit()
    key = key_of(jobs)
    assert jobs.running(key)
    document.open(make_model(seed=5))
    assert not jobs.running(key)
