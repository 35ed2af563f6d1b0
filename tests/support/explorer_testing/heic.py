"""A HEIC file of 64×64 pixels, its left half red (200, 40, 40), its right half blue (40, 60, 200).

No free library writes HEIC, so the boxes are written here, around one image that was encoded before.
"""

from __future__ import annotations

import struct
from typing import Final

_VPS: Final = bytes.fromhex("40010c01ffff0408000003009fa800000300001eba0240")
_SPS: Final = bytes.fromhex("4201010408000003009fa800000300001ea020810596ea4930b9b80868302000000300200000030021")
_PPS: Final = bytes.fromhex("4401c1718112")
_IMAGE: Final = bytes.fromhex("2801ac19e09f57bafed99fffffdcb9fe43f75754a02fe9d21c8ff31367fffd1006bdf66b6c1e9495")
_PROFILE: Final = bytes.fromhex("04080000009fa8000000001e")
_SIDE: Final = 64


def heic_file(*, turned: int = 0, images: int = 1) -> bytes:
    """Return the file; its image is turned by so many quarters to the left, and repeated as further images."""
    kind = _box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")
    stored = struct.pack(">I", len(_IMAGE)) + _IMAGE
    place = len(kind) + len(_meta(0, len(stored), turned, images)) + 8
    return kind + _meta(place, len(stored), turned, images) + _box(b"mdat", stored)


def _meta(place: int, size: int, turned: int, images: int) -> bytes:
    numbers = range(1, images + 1)
    entries = [_full(b"infe", struct.pack(">HH", number, 0) + b"hvc1\0", 2) for number in numbers]
    properties = [_decoder(), _full(b"ispe", struct.pack(">II", _SIDE, _SIDE)), _box(b"irot", bytes([turned]))]
    links = b"".join(struct.pack(">HB3B", number, 3, 0x81, 0x02, 0x83) for number in numbers)
    places = b"".join(struct.pack(">HHHII", number, 0, 1, place, size) for number in numbers)
    return _full(
        b"meta",
        _full(b"hdlr", bytes(4) + b"pict" + bytes(13))
        + _full(b"pitm", struct.pack(">H", 1))
        + _full(b"iloc", b"\x44\x00" + struct.pack(">H", images) + places)
        + _full(b"iinf", struct.pack(">H", images) + b"".join(entries))
        + _box(b"iprp", _box(b"ipco", b"".join(properties)) + _full(b"ipma", struct.pack(">I", images) + links)),
    )


def _decoder() -> bytes:
    """Return the box of the HEVC decoder: 8 bits, 4:2:0, and its parameter sets."""
    sets = b"".join(
        bytes([0x80 | kind]) + struct.pack(">HH", 1, len(content)) + content
        for kind, content in ((32, _VPS), (33, _SPS), (34, _PPS))
    )
    return _box(b"hvcC", b"\x01" + _PROFILE + b"\xf0\x00\xfc\xfd\xf8\xf8\x00\x00\x0f\x03" + sets)


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def _full(name: bytes, content: bytes, version: int = 0) -> bytes:
    return _box(name, struct.pack(">I", version << 24) + content)
