"""Every reader under test, by its name."""

from __future__ import annotations

from fuzzing import data_readers, model_readers
from fuzzing.reader import Reader

READERS: dict[str, Reader] = {reader.name: reader for reader in (*data_readers.READERS, *model_readers.READERS)}
