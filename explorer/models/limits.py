"""What a training may take, in one place: the engine keeps to it, and the form tells it before Start."""

from __future__ import annotations

LOG_VARIANCE = (-20.0, 10.0)
"""Where a variational model's log-variances are kept, in training and wherever they are used.

One image that the network has not learned yet can have a log-variance of 25, whose exponential, 7e10, is the whole loss
of its batch. Trained models stay well within: σ from 5e-5 to 148, where the prior has 1.
"""

MEMORY_BYTES = 256 << 20
"""Pictures that take more are not held in memory: they are decoded into a cache and read from there batch by batch."""

AUGMENTED_BYTES = 2 << 30
"""Pictures that are to be augmented are held in memory while that is done, and may take so much."""

STEP_BYTES = 3 * 2**30
"""About the most that a step may take; a batch of larger pictures goes through in parts, whose gradients add up."""

BYTES_A_VALUE = 8
"""Of what a layer gives: float32, once forward and once as a gradient."""

BYTES_A_WEIGHT = 16
"""Adam keeps a weight, its gradient and two moments, float32 each."""

COMPILED_BYTES_A_WEIGHT = 24
"""Of the larger network while it is compiled, as measured."""

ENGINE_BYTES = 800 * 10**6
"""What TensorFlow takes once it is imported and has compiled a small network, as measured."""
