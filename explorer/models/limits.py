"""Memory limits of a training, shared by the engine and the checks before a training starts."""

from __future__ import annotations

LOG_VARIANCE = (-20.0, 10.0)
"""Bounds of a VAE's log-variances, in training and wherever they are used.

Early in training a single image can have a log-variance of 25, whose exponential, 7e10, dominates the loss of the
batch. Trained models stay within the bounds, which are σ = 5e-5 and σ = 148.
"""

MEMORY_BYTES = 256 << 20
"""Larger datasets are not kept in memory, but decoded into a cache on disk and read in batches."""

AUGMENTED_BYTES = 2 << 30
"""Maximum size of the images to be augmented, which are kept in memory."""

STEP_BYTES = 3 * 2**30
"""Approximate memory limit of a training step; larger batches are split, and their gradients accumulated."""

BYTES_A_VALUE = 8
"""Bytes per activation: float32, for the value and its gradient."""

BYTES_A_WEIGHT = 16
"""Bytes per weight: Adam keeps the weight, its gradient and two moments as float32."""

COMPILED_BYTES_A_WEIGHT = 24
"""Bytes per weight of the larger network while it is compiled, measured."""

ENGINE_BYTES = 800 * 10**6
"""Memory of TensorFlow after import and compilation of a small network, measured."""
