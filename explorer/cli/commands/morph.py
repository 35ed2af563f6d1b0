"""``morph``: animate the interpolation between images."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console
from explorer.cli.inputs import Model, open_model, output_file
from explorer.cli.parser import IMAGE_HELP, add_model, add_out, number, whole
from explorer.data.mixer import channels_text
from explorer.errors import UsageError
from explorer.export import FOLDER, FORMATS, ExportSettings, format_of
from explorer.export.folder import check_frames
from explorer.export.frames import PALETTES, fitted
from explorer.export.recipe import Recipe, make_recipe
from explorer.latent.animation import LOOPS, AnimationSettings, animation_codes
from explorer.latent.easing import EASINGS
from explorer.latent.paths import PATHS
from explorer.models.batches import render, render_values
from explorer.types import Floats

_DEFAULT = AnimationSettings()
_MAX_NAME = 24


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser, conditional=True)
    parser.add_argument("--keys", required=True, nargs="+", metavar="P", help=f"keyframes, two or more: {IMAGE_HELP}")
    parser.add_argument(
        "--steps",
        type=whole(2),
        default=_DEFAULT.steps,
        metavar="N",
        help=f"frames per segment, including both ends (default: {_DEFAULT.steps})",
    )
    parser.add_argument(
        "--hold",
        type=whole(0),
        default=_DEFAULT.hold,
        metavar="N",
        help=f"extra frames at both ends (default: {_DEFAULT.hold})",
    )
    parser.add_argument(
        "--fps", type=number, default=_DEFAULT.fps, metavar="X", help=f"frames per second (default: {_DEFAULT.fps:g})"
    )
    _add_choice(parser, "path", tuple(PATHS), _DEFAULT.path, "interpolation path between keyframes")
    _add_choice(parser, "easing", tuple(EASINGS), _DEFAULT.easing, "easing within each segment")
    _add_choice(parser, "loop", LOOPS, _DEFAULT.loop, "play once, repeat, or ping-pong")
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--scale", type=whole(1), default=1, metavar="N", help="nearest-neighbor scale factor (default: 1)"
    )
    size.add_argument(
        "--size", type=whole(8), metavar="N", help="longest side of an image in pixels, exactly; pixels stay squares"
    )
    indexed = ", ".join(suffix for suffix, kind in FORMATS.items() if kind.indexed)
    _add_choice(parser, "palette", PALETTES, "shared", f"palette of {indexed}: one for all frames, or one per frame")
    parser.add_argument("--dither", action="store_true", help=f"dither the colors of {indexed}")
    parser.add_argument("--caption", action="store_true", help="add a caption with the model and the keyframes")
    endings = ", ".join(FORMATS)
    add_out(
        parser,
        f"file to write; the suffix selects the format: {endings}; without a suffix, a folder of frames",
        "FILE",
        replaced="an existing file, or a folder that contains only frames",
    )


def _add_choice(parser: ArgumentParser, name: str, choices: tuple[str, ...], default: str, what: str) -> None:
    parser.add_argument(f"--{name}", choices=choices, default=default, help=f"{what} (default: {default})")


def run(options: Namespace, console: Console) -> Report:
    path = places.file_path(options.out)
    kind = format_of(path)
    if kind is not FOLDER:
        output_file(options.out)
    settings = AnimationSettings(options.steps, options.hold, options.fps, options.loop, options.path, options.easing)
    if len(options.keys) < 2:
        raise UsageError("An animation needs at least two keyframes. Add another image after --keys.")
    fps = kind.possible_fps(settings.fps)
    model = open_model(options.model, options.condition)
    keys = np.concatenate([model.codec.encode(model.images.read(image, console)) for image in options.keys])
    animation = settings.animation(len(keys))
    codes = animation_codes(keys, animation, model.bundle.sample.codes if settings.path == "data" else None)
    if fps != settings.fps:
        console.warn(f"{kind.title} does not support {settings.fps:g} frames per second; using {fps:g}")
    channels = channels_text(model.card.image_shape[2])
    recipe = make_recipe(model.card.name, model.card.decoder_hash or "", keys, animation.to_dict(), channels)
    if recipe.keys is None:
        console.warn("the codes are too long to be saved in the file; it cannot be reopened as a timeline")
    export_settings = _export_settings(options, fps, model, recipe)
    reading = model.preprocessing.reading
    frames = render_values(model.codec, codes, reading) if kind.values else render(model.codec, codes)
    console.track(kind.write(frames, len(codes), path, export_settings))
    return _report(path, codes, fps)


def _export_settings(options: Namespace, fps: float, model: Model, recipe: Recipe) -> ExportSettings:
    scale, size = options.scale, None
    if options.size is not None:
        scale, size = fitted(model.card.image_shape, options.size, smooth=False)
    return ExportSettings(
        fps=fps,
        loop=options.loop != "none",
        scale=scale,
        size=size,
        smooth=False,
        palette=options.palette,
        dither=options.dither,
        caption=_caption(model, options.keys) if options.caption else "",
        recipe=recipe,
        values=model.preprocessing.reading.values_text(),
    )


def _report(path: Path, codes: Floats, fps: float) -> Report:
    seconds = len(codes) / fps
    size = sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
    lines = [f"{len(codes):,} frames at {fps:g} fps: {seconds:.4g} s, {size:,} bytes", f"written to {path}"]
    return Report({"frames": len(codes), "fps": fps, "seconds": seconds, "bytes": size, "path": path}, lines)


def _check_animation(path: Path, options: Namespace) -> None:
    if format_of(path) is FOLDER:
        check_frames(path, force=options.force)
    else:
        places.new_file(path, options)


def _caption(model: Model, images: list[str]) -> str:
    """Return the name of the model and the names of the keyframes without folders."""
    names = [re.split(r"[/\\]", image)[-1][:_MAX_NAME] for image in images]
    return f"{model.card.name}: {' → '.join(names)}"


COMMAND = Command(
    "morph --model digits-vae-2d --keys digits:3 digits:18 --steps 90 --hold 18 --loop pingpong --fps 50 --scale 4 "
    "--out morph.gif",
    add_arguments,
    run,
    reads={"model": places.model, "keys": places.image},
    writes={"out": _check_animation},
)
