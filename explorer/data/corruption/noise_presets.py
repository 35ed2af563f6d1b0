"""Named noise presets, for menus."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.data.corruption.noise import Noise
from explorer.messages import Message, message


@dataclass(frozen=True)
class NoisePreset:
    """A named sequence of noises without seeds; `name` is stable, for settings, `about` a sentence for a tooltip."""

    name: str
    title: Message
    about: Message
    noises: tuple[Noise, ...]


NOISE_PRESETS: tuple[NoisePreset, ...] = (
    NoisePreset(
        "reference_digits",
        message("Digit denoising: Gaussian, mean 0.5, σ 0.5"),
        message("Training noise of the published digit denoiser (reference R2)."),
        (Noise("gaussian", 0.5, 0.5),),
    ),
    NoisePreset(
        "reference_faces",
        message("Face denoising: Gaussian, σ 0.1"),
        message("Training noise of the published face denoiser (reference R1)."),
        (Noise("gaussian", 0.1),),
    ),
    NoisePreset(
        "hidden_part",
        message("Occlusion: black rectangle over 15%"),
        message("The second corruption of the published face models (reference R1)."),
        (Noise("occlusion", 0.15),),
    ),
    NoisePreset(
        "colorization",
        message("Colorization: grayscale input"),
        message("Removes all color; a model trained on it restores the color."),
        (Noise("gray", 1.0),),
    ),
    NoisePreset(
        "super_resolution",
        message("Super-resolution: half-size input"),
        message("Halves height and width; a model trained on it restores detail."),
        (Noise("downsample", 0.5),),
    ),
)
