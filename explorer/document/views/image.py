"""The selected image and its reconstruction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.data.metrics import mse, psnr, ssim
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import Source
from explorer.document.document import Document
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.kind import Priority, ViewKind
from explorer.errors import ModelError
from explorer.messages import NO_MESSAGE, Message
from explorer.types import Codec, Floats


@dataclass(frozen=True, eq=False)
class ImageView:
    """The selected image and its reconstruction, float32 ``(h, w, c)``; the latter is not clipped. PSNR in dB."""

    original: Floats
    reconstruction: Floats
    code: Floats
    mse: float
    psnr: float
    ssim: float


@dataclass(frozen=True, eq=False)
class HalfView:
    """The selected image without reconstruction: the model has only an encoder or a decoder, or decoding failed.

    `original` is float32 ``(h, w, c)``; `code` is None without an encoder; `problem` is why decoding failed.
    """

    original: Floats
    code: Floats | None
    problem: Message = NO_MESSAGE


def encode_image(
    codec: Codec, source: Source, preprocessing: Preprocessing, index: int, parts: tuple[bool, bool] = (True, True)
) -> Iterator[ImageView | HalfView]:
    """Read, encode and reconstruct one image; `parts`: whether the model has an encoder and a decoder."""
    original = read_image(source, preprocessing, index)
    code = codec.encode(original) if parts[0] else None
    if code is None or not parts[1]:
        yield HalfView(original[0], None if code is None else code[0])
        return
    try:
        reconstruction = codec.decode(code)
    except ModelError as error:
        # The code is known, and other codes may be decodable.
        yield HalfView(original[0], code[0], error.message)
        return
    yield ImageView(
        original[0],
        reconstruction[0],
        code[0],
        mse(original, reconstruction),
        psnr(original, reconstruction),
        ssim(original, reconstruction),
    )


def read_image(source: Source, preprocessing: Preprocessing, index: int) -> Floats:
    """Float32 ``(1, h, w, c)``."""
    return to_floats(source.read(np.array([index], np.int64), preprocessing))


def _build(document: Document) -> Iterator[ImageView | HalfView] | None:
    state = document.state
    if state.model is None or state.subject is None:
        return None
    source, index = state.subject
    card = state.model.card
    return encode_image(state.model.codec, source, card.preprocessing, index, card.parts)


def _received(document: Document, view: ImageView | HalfView) -> None:
    """Set the code of the selected image; its reconstruction is the decoded cursor, unless the cursor was edited."""
    if view.code is None or not document.put_start_code(view.code):
        return
    if isinstance(view, ImageView) and document.state.code is document.state.start_code:
        CURSOR.put(document, CursorView(view.reconstruction, 0.0))
    else:
        # It is shown with its distance from the image's code.
        document.views.changed(CURSOR).emit()


IMAGE = ViewKind[ImageView | HalfView](
    name="image",
    build=_build,
    priority=Priority.IMAGE,
    depends_on={"model", "source", "image_index", "imported_image"},
    stale_on={"model", "source", "image_index", "imported_image"},
    received=_received,
)
