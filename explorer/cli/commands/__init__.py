"""The commands. A new one is one file here, with a `COMMAND`, and one line in `COMMANDS`."""

from __future__ import annotations

from keyword import iskeyword

COMMANDS: dict[str, str] = {
    "models": "list the models that are there",
    "architectures": "list what can be trained",
    "data": "list the pictures that are known, or describe some",
    "train": "train a model and write it as a bundle",
    "import": "make a bundle of a Keras model that others wrote",
    "reconstruct": "draw originals over their reconstructions",
    "evaluate": "measure a model on a split",
    "encode": "turn pictures into codes",
    "decode": "turn codes into pictures",
    "traverse": "walk along dimensions or principal axes of the code",
    "grid": "decode a regular grid in a plane of the code",
    "sample": "decode random codes",
    "morph": "make a film from picture to picture",
    "neighbours": "list the pictures whose codes are nearest to a picture's",
    "arithmetic": "add and subtract the codes of pictures, and decode the sum",
    "denoise": "clean a picture or a folder of pictures of any size",
    "tour": "drive the real window through its main loop, and take pictures of it",
    "bench": "measure speed, as ratios within one run",
    "doctor": "check what works on this machine",
}
"""What each command does, by its name; listed in this order."""


def module_of(name: str) -> str:
    """Return the module of a command: its name, with a line behind it where Python keeps the name to itself."""
    return f"{__name__}.{name}_" if iskeyword(name) else f"{__name__}.{name}"
