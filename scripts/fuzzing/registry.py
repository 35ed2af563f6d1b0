"""Every reader under test, by its name."""

from __future__ import annotations

from fuzzing import data_readers, model_readers, process_readers
from fuzzing.reader import Reader

_ALL = (*data_readers.READERS, *model_readers.READERS, *process_readers.READERS)

READERS: dict[str, Reader] = {reader.name: reader for reader in _ALL}
