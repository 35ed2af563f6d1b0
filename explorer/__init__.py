"""Latent Explorer: a desktop program to explore the latent space of image autoencoders."""

import os

__version__ = "0.1.0"

# ONNX Runtime 1.29 and later stores an identifier of the machine and reports how it is used, unless this is set before
# its first import. This package is imported first in every process of the program.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
