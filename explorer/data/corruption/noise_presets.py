"""Named noise presets, for menus."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.data.corruption.noise import Noise


@dataclass(frozen=True)
class NoisePreset:
    """A named sequence of noises.

    Attributes
    ----------
    name
        Stable name, for settings.
    title
        Display name.
    about
        Origin or purpose, in a sentence for a tooltip.
    noises
        Applied in order; without seeds.
    """

    name: str
    title: str
    about: str
    noises: tuple[Noise, ...]


NOISE_PRESETS: tuple[NoisePreset, ...] = (
    NoisePreset(
        "reference_digits",
        "Digit denoising: Gaussian, mean 0.5, σ 0.5",
        "Training noise of the published digit denoiser (reference R2).",
        (Noise("gaussian", 0.5, 0.5),),
    ),
    NoisePreset(
        "reference_faces",
        "Face denoising: Gaussian, σ 0.1",
        "Training noise of the published face denoiser (reference R1).",
        (Noise("gaussian", 0.1),),
    ),
    NoisePreset(
        "hidden_part",
        "Occlusion: black rectangle over 15%",
        "The second corruption of the published face models (reference R1).",
        (Noise("occlusion", 0.15),),
    ),
    NoisePreset(
        "colorization",
        "Colorization: grayscale input",
        "Removes all color; a model trained on it restores the color.",
        (Noise("gray", 1.0),),
    ),
    NoisePreset(
        "super_resolution",
        "Super-resolution: half-size input",
        "Halves height and width; a model trained on it restores detail.",
        (Noise("downsample", 0.5),),
    ),
)
