"""Sessions of ONNX Runtime, made one way only: no file but the one given, no operators but its own."""

from __future__ import annotations

import os
from pathlib import Path

import onnxruntime

_NOWHERE = str(Path(os.devnull) / "none")
"""A folder that cannot be."""


def open_session(content: bytes, threads: int) -> onnxruntime.InferenceSession:
    """Return a session for an ONNX file; `threads` 0 means one for each core.

    No library of custom operators is ever registered. Whatever ONNX Runtime raises, passes.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A file may say that its weights lie in another one, and name any. Ours never do, and here nothing is found.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NOWHERE)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
