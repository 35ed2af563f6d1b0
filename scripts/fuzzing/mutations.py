"""Mutations of files: raw bytes, and format-aware ones of JSON, zip, gzip, tar, npy and PNG.

A change behind a checksum or in a compressed stream would only fail the check. Therefore containers are unpacked, one
part is mutated, and they are packed again with correct checksums. Some mutations change the raw bytes instead.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Mutation: TypeAlias = Callable[[bytes, random.Random], bytes]

MOST_BYTES = 4 << 20
"""Size limit of mutated files."""
_MOST_GROWN = MOST_BYTES >> 4
"""Size limit of JSON that grows: several changes in a row took minutes, which was counted as a hang of the reader."""

_NUMBERS = (0, 1, -1, 2, 7, 16, 64, 100, 127, 128, 255, 256, 1024, 4096, 32767, 32768, 65535, 65536, 1 << 20)
_LARGE = (2**31 - 1, -(2**31), 2**32 - 1, 2**40, 2**62, 2**63 - 1, -(2**63))
_TOKENS = (b"(", b"[", b"{", b"\0", b"\n", b'"', b"'", b"\\", b"%s", b"../", b"/", b"NaN", b"-1", b"1e999", b"\xff\xfe")
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**64), 10**30, 0.5, 1e308, float("nan"), float("inf")),
    *("", "x", "x" * 5000, "\0", "\ud800", "../../etc/passwd", "2020-01-01", [], {}, [[]], [{}], {"": None}, [0] * 100),
)


def mutate(content: bytes, rng: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """Return a mutated copy; parts may come from `others`, files of the same kind."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if others and rng.random() < 0.05:
            content = _spliced(content, rng.choice(others), rng)
        else:
            content = _mutate_once(content, rng)
    return content[:MOST_BYTES]


def _mutate_once(content: bytes, rng: random.Random) -> bytes:
    structural = _structure_of(content)
    if structural is not None and rng.random() < 0.75:
        try:
            return structural(content, rng)
        except Exception:  # the content was damaged by a mutation before; whatever its parser says, its bytes are left
            return _bytes(content, rng)
    return _bytes(content, rng)


def _structure_of(content: bytes) -> Mutation | None:
    for magic, mutation in _MAGIC:
        if content.startswith(magic):
            return mutation
    if content[257:262] == b"ustar":
        return _tar
    start = content[:64].lstrip()
    return _json if start[:1] in (b"{", b"[") else None


# -- plain bytes -------------------------------------------------------------------------------------------------------


def _bytes(content: bytes, rng: random.Random) -> bytes:
    if not content:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(64)))
    data, at = bytearray(content), rng.randrange(len(content))
    if rng.random() < 0.5:  # most of what is decided is decided by the first bytes
        at %= 512
    end = min(len(data), at + rng.choice((1, 2, 4, 8, 64, 1024)))
    match rng.randrange(9):
        case 0:
            data[at] ^= 1 << rng.randrange(8)
        case 1:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        case 2:
            del data[at:end]
        case 3:
            data[at:at] = data[at:end] * rng.choice((1, 2, 50))
        case 4:
            del data[at:]
        case 5 | 6:
            number = _number(rng)
            data[at : at + len(number)] = number
        case 7:
            data[at:at] = rng.choice(_TOKENS) * rng.choice((1, 1, 3, 2000))
        case _:
            data[at:end] = rng.randbytes(end - at)
    return bytes(data)


def _number(rng: random.Random) -> bytes:
    """Return a number of 2, 4 or 8 bytes, like a length field or an offset."""
    size, order = rng.choice((2, 4, 4, 8)), rng.choice(("little", "big"))
    value = rng.choice(_NUMBERS + _LARGE) % (1 << 8 * size)
    return value.to_bytes(size, "little" if order == "little" else "big")


def _spliced(content: bytes, other: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    start = rng.randrange(len(other) + 1) if rng.random() < 0.5 else at
    return content[:at] + other[start : start + rng.choice((16, 1024, len(other)))] + content[at:]


# -- JSON --------------------------------------------------------------------------------------------------------------


def _json(content: bytes, rng: random.Random) -> bytes:
    """Change one value of a JSON document, or of one line of JSON lines."""
    text = content.decode("utf-8")
    lines = text.splitlines()
    if len(lines) > 1 and all(line.startswith("{") for line in lines):
        number = rng.randrange(len(lines))
        lines[number] = _changed_json(lines[number], rng)
        return "\n".join(lines).encode("utf-8", "surrogatepass")
    return _changed_json(text, rng).encode("utf-8", "surrogatepass")


def _changed_json(text: str, rng: random.Random) -> str:
    value = json.loads(text)
    places = list(_places(value))
    if not places or rng.random() < 0.05:
        return rng.choice(("[" * 5000, '{"a":' * 3000, "[" + "[]," * 5000 + "[]]", "null", "1", '""', "[]", "{}"))
    holder, key = rng.choice(places)
    match rng.randrange(6):
        case 0 if isinstance(holder, dict):
            del holder[key]
        case 0:
            holder.extend(holder * min(rng.choice((1, 100)), _MOST_GROWN // len(text)))
        case 1:
            other, at = rng.choice(places)
            holder[key] = other[at]
            if isinstance(holder[key], dict | list):
                holder[key] = json.loads(json.dumps(holder[key]))  # a copy: no document holds itself
        case 2 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
            holder[key] = rng.choice((holder[key] * -1, holder[key] + 1, rng.choice(_NUMBERS + _LARGE), 1e308))
        case 3 if isinstance(holder, dict):
            holder[rng.choice(("", "x", "class_name", "config", str(key) + " ", "__proto__"))] = holder.pop(key)
        case _:
            holder[key] = rng.choice(_VALUES)
    return json.dumps(value, ensure_ascii=rng.random() < 0.5)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every value of a document as its container and key."""
    found: list[tuple[Any, Any]] = []
    left = [value]
    while left and len(found) < 20_000:
        holder = left.pop()
        for key in holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ():
            found.append((holder, key))
            left.append(holder[key])
    return found


# -- containers --------------------------------------------------------------------------------------------------------


def _zip(content: bytes, rng: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    number = rng.randrange(len(members))
    name, inside = members[number]
    match rng.randrange(10):
        case 0:
            del members[number]
        case 1:
            names = ("../" + name, "/" + name, name + "/", name.rpartition(".")[0], "", "a\0b", name.upper(), "x" * 300)
            members[number] = (rng.choice(names), inside)
        case 2:
            members.append((name, rng.choice(members)[1]))
        case 3:
            members[number] = (name, rng.choice(members)[1])
        case _:
            members[number] = (name, mutate(inside, rng))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, inside in members:
            archive.writestr(zipfile.ZipInfo(name), inside, archive.compression)
    return made.getvalue()


def _gzip(content: bytes, rng: random.Random) -> bytes:
    return gzip.compress(mutate(gzip.decompress(content), rng), 1, mtime=0)


def _tar(content: bytes, rng: random.Random) -> bytes:
    """Change a header field of a member, and repair its checksum."""
    data = bytearray(content)
    heads = [at for at in range(0, len(data) - 511, 512) if data[at + 257 : at + 262] == b"ustar"]
    at = rng.choice(heads)
    start, size = rng.choice(((0, 100), (100, 8), (124, 12), (124, 12), (136, 12), (156, 1), (157, 100), (345, 155)))
    fields = (b"\xff" * size, b"\x80" + b"\0" * (size - 1), b"7" * size, b"../" * size, rng.randbytes(size), b"", b"-1")
    value = rng.choice((*fields, rng.choice(b"0123456789xgLKSDV").to_bytes(1, "little")))
    data[at + start : at + start + size] = value[:size].ljust(size, b"\0")
    total = sum(data[at : at + 148]) + 8 * 32 + sum(data[at + 156 : at + 512])
    data[at + 148 : at + 156] = b"%06o\0 " % total
    return bytes(data)


def _npy(content: bytes, rng: random.Random) -> bytes:
    """Change the text of the header with a correct length field, or change a value."""
    size = struct.unpack("<H", content[8:10])[0]
    header, values = content[10 : 10 + size], content[10 + size :]
    if rng.random() < 0.2:
        return content[: 10 + size] + _bytes(values, rng)
    texts = (
        b"O",
        b"V8",
        b"<f2",
        b">f8",
        b"<U9",
        b"|b1",
        b"<c16",
        b"M8[s]",
        b"f4,f4",
        b"999",
        b"(",
        b"-1",
        b"0",
        b"10**9",
    )
    words = header.replace(b"'", b" ' ").replace(b",", b" , ").split(b" ")
    if rng.random() < 0.6:
        words[rng.randrange(len(words))] = rng.choice(texts)
        header = b" ".join(words).replace(b" ' ", b"'")
    else:
        header = _bytes(header, rng)[:65_000]
    return content[:8] + struct.pack("<H", len(header)) + header + values


def _png(content: bytes, rng: random.Random) -> bytes:
    """Change, delete, duplicate or move a chunk, and repair the checksums."""
    chunks, at = list[tuple[bytes, bytes]](), 8
    while at + 12 <= len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    number = rng.randrange(len(chunks))
    name, inside = chunks[number]
    match rng.randrange(6):
        case 0:
            del chunks[number]
        case 1:
            chunks.insert(rng.randrange(len(chunks)), chunks[number])
        case 2 if name == b"IDAT":
            chunks[number] = (name, zlib.compress(_bytes(zlib.decompress(inside), rng), 1))
        case _:
            chunks[number] = (name, _bytes(inside, rng))
    made = [content[:8]]
    for name, inside in chunks:
        made += [struct.pack(">I", len(inside)), name, inside, struct.pack(">I", zlib.crc32(name + inside))]
    return b"".join(made)


_MAGIC: tuple[tuple[bytes, Mutation], ...] = (
    (b"PK\x03\x04", _zip),
    (b"\x1f\x8b", _gzip),
    (b"\x93NUMPY", _npy),
    (b"\x89PNG\r\n\x1a\n", _png),
)
