"""The timeline: edits of keyframes and segments, and the playhead.

Keyframes and animation settings are parts of the document's state; every edit is a step of its history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from explorer.document.animation import animation_of, keyframes_of, retimed, with_animation
from explorer.document.code_edits import CodeEdits
from explorer.document.state import Keyframe
from explorer.errors import UsageError
from explorer.export.frames import Palette
from explorer.latent.animation import Animation, AnimationCurve, AnimationSettings, Segment
from explorer.latent.animation_presets import AnimationPreset
from explorer.latent.timing import even_out
from explorer.messages import NO_MESSAGE, Message, message
from explorer.types import Floats, Indices, Shown

WITH_DATA = "data"
"""The data path, which needs the codes of the data."""

_OPEN_ANIMATION = message("Open animation")
_LEFT = 20
"""Number of earlier animations whose playhead is remembered for undo."""

ACROSS = 256
"""By default, images are enlarged by an integer to about this many pixels per side."""


@dataclass(frozen=True)
class Export:
    """A request to export the animation.

    Attributes
    ----------
    path
        The file, whose extension gives the format; a name without one is a folder of frames.
    fps
        Frames per second, or the nearest that the format supports; None for those of the animation. The duration does
        not depend on it.
    side
        Longest side of an image in pixels, exactly; None enlarges by an integer to about `ACROSS`.
    smooth
        Whether to resize with a smooth filter instead of by area, which keeps pixels square.
    plays
        Loop count, if the animation loops; 0 for infinite.
    palette, dither
        As in `explorer.export.ExportSettings`.
    beside
        Whether to show the start and end images beside every frame.
    """

    path: Path
    fps: float | None = None
    side: int | None = None
    smooth: bool = False
    plays: int = 0
    palette: Palette = "shared"
    dither: bool = False
    caption: str = ""
    beside: bool = False


@dataclass(frozen=True, eq=False)
class Estimate:
    """A preview of an export, a few frames uint8 ``(n, h, w, c)``, and its estimated `size` in bytes.

    `problem` is why it cannot be exported.
    """

    export: Export
    pixels: Shown | None
    frames: int
    fps: float
    size: int
    problem: Message = NO_MESSAGE


class Timeline:
    """Edits of the animation.

    `curve_laid`: a data path was set with `put_curve`. `images_requested` and `files_requested`: images of the source,
    positions int64 ``(n,)``, or a list of image files are to become keyframes; and the keyframe to insert them before.
    """

    playhead_changed = Signal()
    curve_laid = Signal()
    images_requested = Signal(object, int)
    files_requested = Signal(list, int)
    export_requested = Signal(Export)
    estimate_requested = Signal(Export)
    estimated = Signal(Estimate)

    def __init__(self, document: CodeEdits) -> None:
        self._document = document
        self._playhead = 0
        self._animation: tuple[tuple[object, ...], Animation | None] = ((), None)
        self._curve: tuple[Animation | None, AnimationCurve | None] = (None, None)
        self._shown: tuple[object, ...] = ()
        self._left: list[tuple[tuple[object, ...], int]] = []

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def animation(self) -> Animation | None:
        """None with fewer than two keyframes."""
        key = self._animation_key()
        if not _same(key, self._animation[0]):
            self._animation = (key, animation_of(self._document.state))
        return self._animation[1]

    def _animation_key(self) -> tuple[object, ...]:
        state = self._document.state
        return (state.keyframes, state.animation, state.times)

    @property
    def keys(self) -> Floats:
        """Codes of the keyframes, ``(k, latent_dim)``."""
        return np.stack([keyframe.code for keyframe in self._document.state.keyframes])

    @property
    def frames(self) -> int:
        """0 with fewer than two keyframes."""
        animation = self.animation
        return 0 if animation is None else animation.frames

    @property
    def playhead(self) -> int:
        """From 0."""
        return self._playhead

    @property
    def along_data(self) -> bool:
        """Whether a segment is a data path."""
        animation = self.animation
        return animation is not None and any(segment.path == WITH_DATA for segment in animation.segments)

    @property
    def curve(self) -> AnimationCurve | None:
        """The path of the animation; None without one, and until a data path is computed."""
        animation = self.animation
        if animation is not self._curve[0]:
            known = None if animation is None or self.along_data else AnimationCurve(self.keys, animation)
            self._curve = (animation, known)
        return self._curve[1]

    def put_curve(self, animation: Animation, curve: AnimationCurve) -> None:
        """Set the path of an animation, unless the animation has changed."""
        if animation is self.animation:
            self._curve = (animation, curve)
            self.curve_laid.emit()

    # -- keyframes -----------------------------------------------------------------------------------------------

    def add(self) -> None:
        """Append the current code as a keyframe."""
        state = self._document.state
        if state.code is not None:
            self._set_keyframes(message("Add keyframe"), (*state.keyframes, Keyframe(state.code)))

    def _set_keyframes(self, label: Message, keyframes: Iterable[Keyframe], gesture: str | None = None) -> None:
        """Set the keyframes; the times of the frames do not fit them any more."""
        state = replace(self._document.state, keyframes=tuple(keyframes), times=None)
        self._document.edit(label, state, gesture)

    def insert(self, codes: Floats, place: int) -> None:
        """Insert codes ``(n, latent_dim)`` before the keyframe at `place`; at the number of keyframes, append them.

        UsageError if they do not have the model's latent dimensions, or are not finite.
        """
        state = self._document.state
        length = state.model.latent_dim if state.model else 0
        if codes.ndim != 2 or codes.shape[1] != length or not np.isfinite(codes).all():
            raise UsageError(
                "Codes of this model have shape (n, {length}) and are finite; these have shape {shape}. Use codes from "
                "this model.",
                length=length,
                shape=str(codes.shape),
            )
        new = keyframes_of(codes)
        label = message("Add {count:keyframe|# keyframes}", count=len(new))
        self._set_keyframes(label, (*state.keyframes[:place], *new, *state.keyframes[place:]))

    def duplicate(self, index: int) -> None:
        keyframes = self._document.state.keyframes
        self._set_keyframes(message("Duplicate keyframe"), keyframes[: index + 1] + keyframes[index:])

    def remove(self, index: int) -> None:
        keyframes = self._document.state.keyframes
        self._set_keyframes(message("Delete keyframe"), keyframes[:index] + keyframes[index + 1 :])

    def move(self, index: int, to: int) -> None:
        keyframes = list(self._document.state.keyframes)
        keyframes.insert(to, keyframes.pop(index))
        self._set_keyframes(message("Move keyframe"), keyframes)

    def bend(self, index: int, code: Floats, gesture: str | None = None) -> None:
        """Replace the code of a keyframe, ``(latent_dim,)``."""
        keyframes = list(self._document.state.keyframes)
        code = np.array(code, np.float32)
        code.flags.writeable = False
        keyframes[index] = replace(keyframes[index], code=code)
        self._set_keyframes(message("Drag keyframe"), keyframes, gesture)

    def clear(self) -> None:
        if self._document.state.keyframes:
            self._set_keyframes(message("Clear timeline"), ())

    def take(self, index: int) -> None:
        self._document.set_code(self._document.state.keyframes[index].code, message("Jump to keyframe"))

    def retime(self, begun: tuple[Keyframe, ...], index: int, frame: int, gesture: str) -> int:
        """Move a keyframe to another frame of a pass and return its position, which changes if it passes another one.

        `begun` are the keyframes at the start of the drag, so that passed keyframes do not move; `index` is a position
        among them. Frames count from 0, without those held before. One drag is one gesture and one step.
        """
        keyframes, place = retimed(begun, self._document.state.animation, index, frame)
        now = [
            (keyframe.code is other.code and keyframe.segment == other.segment)
            for keyframe, other in zip(keyframes, self._document.state.keyframes, strict=True)
        ]
        if not all(now):
            self._set_keyframes(message("Retime keyframe"), keyframes, gesture)
        return place

    # -- segments --------------------------------------------------------------------------------------------------

    def set_animation_settings(self, animation: AnimationSettings) -> None:
        """Set the animation settings, which apply to segments without their own."""
        state = self._document.state
        old = state.animation
        if animation != old:
            same_frames = (animation.segment, animation.closed) == (old.segment, old.closed)
            times = state.times if same_frames else None
            self._document.edit(
                message("Animation settings"), replace(state, animation=animation, times=times), "~film"
            )

    def segment(self, index: int) -> Segment:
        """Return the settings from a keyframe to the next, its own or those of the animation."""
        state = self._document.state
        return state.keyframes[index].segment or state.animation.segment

    def set_segment(self, index: int, segment: Segment | None) -> None:
        """Set the settings from a keyframe to the next; None for those of the animation."""
        state = self._document.state
        own = None if segment == state.animation.segment else segment
        if own != state.keyframes[index].segment:
            keyframes = list(state.keyframes)
            keyframes[index] = replace(keyframes[index], segment=own)
            self._set_keyframes(message("Segment settings"), keyframes, f"~segment-{index}")

    def use_for_all(self, segment: Segment) -> None:
        state = self._document.state
        animation = replace(state.animation, steps=segment.steps, path=segment.path, easing=segment.easing)
        keyframes = tuple(replace(keyframe, segment=None) for keyframe in state.keyframes)
        state = replace(state, animation=animation, keyframes=keyframes, times=None)
        self._document.edit(message("Animation settings"), state)

    @property
    def evened(self) -> bool:
        """Whether the visual speed was equalized."""
        return self._document.state.times is not None

    def even_out(self, animation: Animation, changes: NDArray[np.float64]) -> None:
        """Time the frames so that the image changes at constant speed, unless the animation has changed.

        `changes` are those of the image from each frame of its pass to the next.
        """
        if animation is self.animation:
            self._set_times(message("Equalize visual speed"), even_out(animation, changes).times)

    def forget_times(self) -> None:
        """Restore the timing of the segments."""
        if self.evened:
            self._set_times(message("Reset timing"), None)

    def _set_times(self, label: Message, times: tuple[float, ...] | None) -> None:
        self._document.edit(label, replace(self._document.state, times=times))

    def set_animation(self, keys: Floats, animation: Animation, label: Message = _OPEN_ANIMATION) -> None:
        """Set keyframes ``(k, latent_dim)`` and their animation, as one step.

        UsageError if the keyframes do not have the model's latent dimensions.
        """
        state = self._document.state
        if state.model is not None:
            self._document.edit(label, with_animation(state, state.model, AnimationPreset(keys, animation)))

    # -- the playhead ----------------------------------------------------------------------------------------------

    def set_playhead(self, frame: int, gesture: str) -> None:
        """Move the playhead to a frame, clipped to the animation, and set the latent cursor to it.

        One scrub or one playback is one gesture and one step.
        """
        animation, curve = self.animation, self.curve
        if animation is None:
            return
        frame = min(max(frame, 0), animation.frames - 1)
        if curve is not None:
            code = curve.at(animation.positions()[frame : frame + 1])[0]
            self._document.set_code(code, message("Play animation"), gesture)
        if frame != self._playhead:
            self._playhead = frame
            self.playhead_changed.emit()

    def put_playhead(self, frame: int) -> None:
        """Set the playhead of a session, without the latent cursor."""
        self._playhead = min(max(frame, 0), max(self.frames - 1, 0))
        self.playhead_changed.emit()

    def keep_playhead(self) -> None:
        """Clip the playhead to a changed animation; restore it with an animation that is restored by undo."""
        key, last = self._animation_key(), max(self.frames - 1, 0)
        if self._playhead > last:
            self._left = [*self._left[1 - _LEFT :], (self._shown, self._playhead)]
            self._playhead = last
        elif not _same(key, self._shown):
            self._playhead = next((frame for left, frame in self._left if _same(left, key)), self._playhead)
        self._shown = key

    def place_of(self, frame: int) -> int:
        """Return the position at which a keyframe dropped at a frame is inserted."""
        animation = self.animation
        if animation is None:
            return len(self._document.state.keyframes)
        return int(np.searchsorted(animation.key_frames(), frame, side="right"))

    def request_images(self, indices: Sequence[int] | Indices, place: int) -> None:
        """Request images of the source as keyframes."""
        self.images_requested.emit(np.asarray(indices, np.int64), place)

    def request_files(self, paths: Sequence[Path], place: int) -> None:
        """Request image files as keyframes; an exported animation is opened instead."""
        self.files_requested.emit(list(paths), place)


def _same(first: tuple[object, ...], second: tuple[object, ...]) -> bool:
    return len(first) == len(second) and all(one is other for one, other in zip(first, second, strict=True))
