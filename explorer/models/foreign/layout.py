"""What lies where in a Keras file, how large it may be, and how it is refused."""

from __future__ import annotations

from typing import Final

from explorer.errors import ModelError
from explorer.json_limits import CONFIGURATION

CONFIG_FILE: Final = "config.json"
METADATA_FILE: Final = "metadata.json"
WEIGHTS_FILE: Final = "model.weights.h5"

MAX_CONFIG_BYTES: Final = CONFIGURATION.size
MAX_WEIGHTS_BYTES: Final = 8 << 30
MAX_INFLATED_BYTES: Final = 512 << 20
"""For weights that are compressed, since they are held in memory."""

REMEDY: Final = "Save the model with model.save(“model.keras”) and import that."


def damaged(file: str, why: object) -> ModelError:
    """Return the error about a file that is not whole."""
    words = " ".join(str(why).split())[:300]
    return ModelError(f"a whole file {file}", f"a damaged one ({words})", "Copy or download it again.")
