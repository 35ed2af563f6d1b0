"""Names and size limits of the parts of a Keras file, and shared errors."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from explorer.errors import ExplorerError, ModelError
from explorer.json_limits import CONFIGURATION
from explorer.messages import Message, Value, message

CONFIG_FILE: Final = "config.json"
METADATA_FILE: Final = "metadata.json"
WEIGHTS_FILE: Final = "model.weights.h5"

MODEL_JSON: Final = "model.json"
"""The usual name of the configuration of a TensorFlow.js model."""

MAX_CONFIG_BYTES: Final = CONFIGURATION.size
MAX_WEIGHTS_BYTES: Final = 8 << 30
MAX_INFLATED_BYTES: Final = 512 << 20
"""Limit of compressed weights, which are kept in memory."""

REMEDY: Final = message("Save the model with model.save(“model.keras”) and import that file.")


def place_of(path: Path) -> Path:
    """Return the folder of a TensorFlow.js model in place of its ``model.json``, which all have, as it has a name."""
    return path.parent if path.name == MODEL_JSON else path


def damaged(file: str, why: Message | Exception) -> ModelError:
    reason: Value = why.message if isinstance(why, ExplorerError) else why if isinstance(why, Message) else _line(why)
    return ModelError(
        "Cannot read {file}: it is damaged ({reason}). Copy or download it again.", file=file, reason=reason
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def integer_codes(file: str) -> ModelError:
    """Return the error of a model whose codes are integers, as those of a VQ-VAE."""
    return ModelError(
        "The codes of {file} are integers, such as indices of a codebook (VQ-VAE), and have no values in between. "
        "Export the encoder up to the vectors before quantization, and the decoder from these vectors.",
        file=file,
    )


def no_condition(file: str) -> ModelError:
    """Return the error of a model that takes nothing beside images or codes, for which a condition is given."""
    return ModelError("{file} has no condition inputs. Import it without --condition.", file=file)
