"""The commands. A new one is one file here, with a `COMMAND`, and one line in `COMMANDS`."""

from __future__ import annotations

from keyword import iskeyword

COMMANDS: dict[str, str] = {
    "models": "list the installed models",
    "architectures": "list the architectures that can be trained",
    "data": "list the known datasets, or describe one",
    "train": "train a model and save it as a bundle",
    "import": "convert a model of Keras, ONNX, PyTorch or TensorFlow to a bundle",
    "reconstruct": "save images and their reconstructions as one sheet",
    "evaluate": "compute the metrics of a model on a split",
    "encode": "encode images to latent codes",
    "decode": "decode latent codes to images",
    "traverse": "traverse latent dimensions or principal components",
    "grid": "decode a regular grid on a plane of latent space",
    "sample": "sample random codes and decode them",
    "morph": "animate the interpolation between images",
    "neighbors": "list the images whose codes are nearest to that of an image",
    "arithmetic": "add and subtract the codes of images, and decode the result",
    "denoise": "remove noise from an image or a folder of images of any size",
    "tour": "drive the real window through its main features and take screenshots",
    "bench": "measure speed relative to Keras and other libraries",
    "doctor": "check what works on this machine",
}
"""Summaries of the commands by name, in the order of the help."""


def module_of(name: str) -> str:
    """Return the module of a command: its name, with an underscore after a Python keyword."""
    return f"{__name__}.{name}_" if iskeyword(name) else f"{__name__}.{name}"
