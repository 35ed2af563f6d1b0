"""All readers under test, by name."""

from __future__ import annotations

import importlib
import os

from fuzzing import container_readers, data_readers, model_readers, process_readers
from fuzzing.reader import Reader

MODULE_VARIABLE = "FUZZ_READERS"
"""Environment variable with the name of a module of further `READERS`, for the tests of this tool."""

_ALL = [*data_readers.READERS, *container_readers.READERS, *model_readers.READERS, *process_readers.READERS]
if os.environ.get(MODULE_VARIABLE):
    _ALL += importlib.import_module(os.environ[MODULE_VARIABLE]).READERS

READERS: dict[str, Reader] = {reader.name: reader for reader in _ALL}
