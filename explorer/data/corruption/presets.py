"""Noises that have a name, for menus."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.data.corruption.noise import Noise


@dataclass(frozen=True)
class Preset:
    """Noises with a name.

    Attributes
    ----------
    name
        Short and stable, for settings.
    title
        For people.
    about
        Where it comes from or what it is for, in a sentence for a tool tip.
    noises
        Applied first to last; without seeds.
    """

    name: str
    title: str
    about: str
    noises: tuple[Noise, ...]


PRESETS: tuple[Preset, ...] = (
    Preset(
        "reference_digits",
        "Reference for digits: Gaussian, mean 0.5, σ 0.5",
        "The noise on which the reference's digit models learnt to denoise, clipped to black and white.",
        (Noise("gaussian", 0.5, 0.5),),
    ),
    Preset(
        "reference_faces",
        "Reference for faces: Gaussian, σ 0.1",
        "The noise on which the reference's face models learnt to denoise.",
        (Noise("gaussian", 0.1),),
    ),
    Preset(
        "hidden_part",
        "Hidden part: black rectangle over 15 %",
        "The other corruption of the reference's face models: something stands in front.",
        (Noise("occlusion", 0.15),),
    ),
    Preset(
        "colourisation",
        "Colourisation: grey in",
        "All colour is taken away; a model trained on it gives colour back.",
        (Noise("grey", 1.0),),
    ),
    Preset(
        "super_resolution",
        "Super-resolution: half the size in",
        "Half of height and width is left; a model trained on it gives detail back.",
        (Noise("downsample", 0.5),),
    ),
)
