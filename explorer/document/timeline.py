"""The morph timeline: what is done to keyframes and to the way between them, and where the playhead stands.

The keyframes and their film are parts of the document's state; every edit here is a step of its history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from psygnal import Signal

from explorer.document.edit import Edit
from explorer.document.morph import film_of, keyframes_of, morph_of, retimed
from explorer.document.state import Keyframe, State
from explorer.document.views import FilmView
from explorer.errors import UsageError
from explorer.export.frames import Palette
from explorer.latent.film import Film, FilmCurve, FilmSettings, Segment
from explorer.latent.presets import Preset
from explorer.latent.timing import even_out
from explorer.messages import Wording
from explorer.types import Floats, Indices, Pixels

WITH_DATA = "data"
"""The path that needs the codes of the data."""

_LEFT = 20
"""Films that gave way to shorter ones, of which it is remembered where the playhead stood."""

ACROSS = 256
"""Pictures are enlarged by a whole number to about so many pixels a side, where nothing else is said."""


@dataclass(frozen=True)
class Export:
    """A morph that is to be written.

    Attributes
    ----------
    path
        The file, whose ending says the format; a name without one is a folder of frames.
    fps
        Frames a second, or the nearest that the format can play; None for those of the morph. The file takes as long as
        the morph, whatever they are.
    side
        Longest side of a picture in pixels; None enlarges by a whole number to about `ACROSS`.
    smooth
        Whether pictures are resized smoothly, and not each pixel to a square; only squares of a whole number are exact.
    plays
        How often it is shown, where the morph repeats; 0 for ever.
    palette, dither
        As in `explorer.export.AnimationSettings`.
    caption
        A line below the pictures; empty for none.
    beside
        Whether the first and the last key stand left and right of every frame.
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
    """What an export will come to.

    Attributes
    ----------
    export
        Which.
    pixels
        A few frames as they will be, uint8 ``(n, h, w, c)``.
    frames, fps
        How many there will be, and how many a second.
    size
        Bytes, about.
    problem
        Why it cannot be written; empty where it can.
    """

    export: Export
    pixels: Pixels | None
    frames: int
    fps: float
    size: int
    problem: Wording = ""


class Timeline:
    """Edits of the morph.

    Parameters
    ----------
    state
        Gives the document's state.
    edit
        Edits it.
    set_code
        Moves the latent cursor.

    Signals
    -------
    playhead_changed
        The frame under the playhead is another.
    curve_wanted, curve_laid
        A way along the data is to be laid, which takes a moment; `put_curve` took it.
    pictures_requested
        Pictures of the source are to become keyframes: positions int64 ``(n,)``, and before which keyframe.
    files_requested
        Picture files are to become keyframes: a list of paths, and before which keyframe.
    reopen_requested
        A file that may be an exported morph, or anything else that can be opened: its path.
    export_requested
        The morph is to be written: an `Export`.
    estimate_requested, estimated
        How large and how it will look: an `Export` to be tried, and what came of it, an `Estimate`.
    """

    playhead_changed = Signal()
    curve_wanted = Signal()
    curve_laid = Signal()
    pictures_requested = Signal(object, int)
    files_requested = Signal(list, int)
    reopen_requested = Signal(Path)
    export_requested = Signal(Export)
    estimate_requested = Signal(Export)
    estimated = Signal(Estimate)

    def __init__(self, state: Callable[[], State], edit: Edit, set_code: Callable[..., None]) -> None:
        self._state = state
        self._edit = edit
        self._set_code = set_code
        self._playhead = 0
        self._film: tuple[tuple[object, ...], Film | None] = ((), None)
        self._curve: tuple[tuple[object, ...], FilmCurve | None] = ((), None)
        self._shown: tuple[object, ...] = ()
        self._left: list[tuple[tuple[object, ...], int]] = []

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def film(self) -> Film | None:
        """How the morph runs through its keyframes; None with fewer than two."""
        key = self._film_key()
        if not _same(key, self._film[0]):
            self._film = (key, film_of(self._state()))
        return self._film[1]

    def _film_key(self) -> tuple[object, ...]:
        state = self._state()
        return (state.keyframes, state.film, state.times)

    @property
    def keys(self) -> Floats:
        """Codes of the keyframes, ``(k, latent_dim)``."""
        return np.stack([keyframe.code for keyframe in self._state().keyframes])

    @property
    def frames(self) -> int:
        """Frames of the whole morph; 0 with fewer than two keyframes."""
        film = self.film
        return 0 if film is None else film.frames

    @property
    def playhead(self) -> int:
        """The frame under the playhead, from 0."""
        return self._playhead

    @property
    def along_data(self) -> bool:
        """Whether a part of the way leads along the data."""
        film = self.film
        return film is not None and any(segment.path == WITH_DATA for segment in film.segments)

    @property
    def curve(self) -> FilmCurve | None:
        """The way itself; None without one, and while one along the data is being laid."""
        film = self.film
        if film is None:
            return None
        key = self._film_key()
        if not _same(key, self._curve[0]):
            self._curve = (key, None if self.along_data else FilmCurve(self.keys, film))
            if self.along_data:
                self.curve_wanted.emit()
        return self._curve[1]

    def put_curve(self, film: Film, curve: FilmCurve) -> None:
        """Take a way that was laid for a film; one that is no more is let go."""
        if film is self.film:
            self._curve = (self._film_key(), curve)
            self.curve_laid.emit()

    # -- keyframes -----------------------------------------------------------------------------------------------

    def add(self) -> None:
        """Put the cursor behind the last keyframe."""
        code = self._state().code
        if code is not None:
            self._edit("Add keyframe", keyframes=(*self._state().keyframes, Keyframe(code)), times=None)

    def insert(self, codes: Floats, place: int) -> None:
        """Put codes ``(n, latent_dim)`` before the keyframe at a place; at their number, behind the last.

        Raises
        ------
        UsageError
            If they are not of the model's length.
        """
        state = self._state()
        length = state.model.latent_dim if state.model else 0
        if codes.ndim != 2 or codes.shape[1] != length or not np.isfinite(codes).all():
            raise UsageError(f"codes of {length} finite numbers", f"a table {codes.shape}", "Use codes of this model.")
        new = keyframes_of(codes)
        label = "Add keyframe" if len(new) == 1 else "Add keyframes"
        self._edit(label, keyframes=(*state.keyframes[:place], *new, *state.keyframes[place:]), times=None)

    def duplicate(self, index: int) -> None:
        """Put a keyframe's double behind it."""
        keyframes = self._state().keyframes
        double = (*keyframes[: index + 1], *keyframes[index:])
        self._edit("Duplicate keyframe", keyframes=double, times=None)

    def remove(self, index: int) -> None:
        """Take a keyframe out."""
        keyframes = self._state().keyframes
        self._edit("Delete keyframe", keyframes=keyframes[:index] + keyframes[index + 1 :], times=None)

    def move(self, index: int, to: int) -> None:
        """Put a keyframe at another place in the order."""
        keyframes = list(self._state().keyframes)
        keyframes.insert(to, keyframes.pop(index))
        self._edit("Move keyframe", keyframes=tuple(keyframes), times=None)

    def bend(self, index: int, code: Floats, gesture: str | None = None) -> None:
        """Give a keyframe another code, ``(latent_dim,)``."""
        keyframes = list(self._state().keyframes)
        code = np.array(code, np.float32)
        code.flags.writeable = False
        keyframes[index] = replace(keyframes[index], code=code)
        self._edit("Drag keyframe", gesture, keyframes=tuple(keyframes), times=None)

    def clear(self) -> None:
        """Take all keyframes out."""
        if self._state().keyframes:
            self._edit("Clear timeline", keyframes=(), times=None)

    def take(self, index: int) -> None:
        """Move the cursor to a keyframe."""
        self._set_code(self._state().keyframes[index].code, "Go to keyframe")

    def retime(self, begun: tuple[Keyframe, ...], index: int, frame: int, gesture: str) -> int:
        """Have a keyframe shown at another frame of a pass; past another, it takes its place in the order.

        Parameters
        ----------
        begun
            The keyframes as they were when the drag began: what was passed on the way is not pushed about.
        index
            Which of them.
        frame
            From 0, without what is held before.
        gesture
            One drag is one step.

        Returns
        -------
        int
            Its place in the order now.
        """
        keyframes, place = retimed(begun, self._state().film, index, frame)
        now = [
            (keyframe.code is other.code and keyframe.segment == other.segment)
            for keyframe, other in zip(keyframes, self._state().keyframes, strict=True)
        ]
        if not all(now):
            self._edit("Retime keyframe", gesture, keyframes=keyframes, times=None)
        return place

    # -- the way ---------------------------------------------------------------------------------------------------

    def set_film(self, film: FilmSettings) -> None:
        """Set how the morph runs where its segments have nothing of their own."""
        old = self._state().film
        if film != old:
            timed = (film.steps, film.path, film.easing, film.closed) != (old.steps, old.path, old.easing, old.closed)
            self._edit("Morph settings", "~film", film=film, times=None if timed else self._state().times)

    def segment(self, index: int) -> Segment:
        """Return the way from a keyframe to the next, its own or that of all."""
        state = self._state()
        return state.keyframes[index].segment or state.film.segment

    def set_segment(self, index: int, segment: Segment | None) -> None:
        """Give the way from a keyframe to the next settings of its own; None lets it go as all do."""
        state = self._state()
        own = None if segment == state.film.segment else segment
        if own != state.keyframes[index].segment:
            keyframes = list(state.keyframes)
            keyframes[index] = replace(keyframes[index], segment=own)
            self._edit("Morph segment", f"~segment-{index}", keyframes=tuple(keyframes), times=None)

    def use_for_all(self, segment: Segment) -> None:
        """Have every segment go like this one."""
        state = self._state()
        film = replace(state.film, steps=segment.steps, path=segment.path, easing=segment.easing)
        keyframes = tuple(replace(keyframe, segment=None) for keyframe in state.keyframes)
        self._edit("Morph settings", film=film, keyframes=keyframes, times=None)

    @property
    def evened(self) -> bool:
        """Whether the motion was evened out."""
        return self._state().times is not None

    def even_out(self, view: FilmView) -> None:
        """Time the frames such that the picture changes evenly; `view` has measured this very film."""
        film = self.film
        if film is not None and view.film is film and view.done:
            even = even_out(film, view.changes_of_pass())
            self._edit("Even out the motion", times=even.times)

    def forget_times(self) -> None:
        """Let the frames be timed by their segments again."""
        if self.evened:
            self._edit("Motion as it was", times=None)

    def set_morph(self, keys: Floats, film: Film, label: str = "Open morph") -> None:
        """Put keys ``(k, latent_dim)`` and the film through them in place, as one step.

        Raises
        ------
        UsageError
            If the keys are not of the model's length.
        """
        model = self._state().model
        if model is not None:
            self._edit(label, **morph_of(model, Preset(keys, film)))

    # -- the playhead ----------------------------------------------------------------------------------------------

    def set_playhead(self, frame: int, gesture: str) -> None:
        """Move the playhead, and the cursor with it.

        Parameters
        ----------
        frame
            From 0; kept within the morph.
        gesture
            One scrub or one playback is one step.
        """
        film, curve = self.film, self.curve
        if film is None:
            return
        frame = min(max(frame, 0), film.frames - 1)
        if curve is not None:
            code = curve.at(film.positions()[frame : frame + 1])[0]
            self._set_code(code, "Play morph", gesture)
        if frame != self._playhead:
            self._playhead = frame
            self.playhead_changed.emit()

    def put_playhead(self, frame: int) -> None:
        """Put the playhead somewhere, as a session has it; the cursor stays where it is."""
        self._playhead = min(max(frame, 0), max(self.frames - 1, 0))
        self.playhead_changed.emit()

    def keep_playhead(self) -> None:
        """Keep the playhead within a film that is another; where one comes back by undo, so does its playhead."""
        key, last = self._film_key(), max(self.frames - 1, 0)
        if self._playhead > last:
            self._left = [*self._left[1 - _LEFT :], (self._shown, self._playhead)]
            self._playhead = last
        elif not _same(key, self._shown):
            self._playhead = next((frame for left, frame in self._left if _same(left, key)), self._playhead)
        self._shown = key

    def place_of(self, frame: int) -> int:
        """Return before which keyframe something goes that is dropped at a frame."""
        film = self.film
        if film is None:
            return len(self._state().keyframes)
        return int(np.searchsorted(film.key_frames(), frame, side="right"))

    def request_pictures(self, indices: Sequence[int] | Indices, place: int) -> None:
        """Ask for pictures of the source as keyframes."""
        self.pictures_requested.emit(np.asarray(indices, np.int64), place)

    def request_files(self, paths: Sequence[Path], place: int) -> None:
        """Ask for picture files as keyframes; one that is an exported morph is opened instead."""
        self.files_requested.emit(list(paths), place)


def _same(first: tuple[object, ...], second: tuple[object, ...]) -> bool:
    return len(first) == len(second) and all(one is other for one, other in zip(first, second, strict=True))
