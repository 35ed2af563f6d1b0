"""Every format, read back by somebody else's reader: Pillow, and PyAV for MP4."""

from __future__ import annotations

import sys
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from explorer.errors import ExportError, UsageError
from explorer.export import FOLDER, FORMATS, ExportFormat, ExportSettings, format_of
from explorer.export.estimate import estimate_bytes
from explorer.export.frames import fitted, frame_ticks
from explorer.export.layout import size_of_file
from explorer.export.sheet import caption_strip, enlarge, sample_area
from explorer.types import Shown

av = pytest.importorskip("av", reason="MP4 is an extra: pip install '.[mp4]'")

LOSSLESS = (".webp", ".apng")
NAMES = [f"film{suffix}" for suffix in (*FORMATS, FOLDER.suffix)]


def noise(count: int, height: int, width: int, channels: int, seed: int = 0) -> list[Shown]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8))


def smooth(count: int, height: int = 32, width: int = 48) -> list[Shown]:
    """A disc that crosses a slope, in color; the third image twice."""
    ys, xs = np.mgrid[0:height, 0:width]
    frames = []
    for t in np.linspace(0, 1, count):
        inside = (ys - height / 2) ** 2 + (xs - t * width) ** 2 < 64
        planes = [np.where(inside, 240, 40 + xs), np.where(inside, 60, 90 + ys), np.full_like(xs, 120)]
        frames.append(np.stack(planes, axis=-1).astype(np.uint8))
    frames[3] = frames[2].copy()
    return frames


def write(frames: list[Shown], path: Path, **wanted: Any) -> None:
    settings = ExportSettings(**({"fps": 25, "loop": True} | wanted))
    steps = list(format_of(path).write(iter(frames), len(frames), path, settings))
    assert steps[-1].done == steps[-1].total


def read(path: Path) -> tuple[Shown, list[float], int | None]:
    """Frames ``(n, h, w, 3)``, their durations in ms, the loop count as Pillow tells it."""
    with Image.open(path) as pil_image:
        assert getattr(pil_image, "n_frames", 1) > 1
        frames = []
        for frame in ImageSequence.Iterator(pil_image):
            # Pillow knows a WebP frame's duration once it is decoded.
            pixels = np.array(frame.convert("RGB"))
            frames.append((pixels, float(frame.info["duration"])))
        return np.stack([one for one, _ in frames]), [ms for _, ms in frames], pil_image.info.get("loop")


def read_video(path: Path) -> tuple[Shown, list[float], Any]:
    """Frames ``(n, h, w, 3)``, their times in seconds, the average rate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoded = list(container.decode(stream))
        return np.stack([f.to_ndarray(format="rgb24") for f in decoded]), [f.time for f in decoded], stream.average_rate


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [1, 3])
def test_frames_come_back_bit_for_bit(tmp_path: Path, suffix: str, channels: int, scale: int) -> None:
    frames = [frame[..., :channels].copy() for frame in smooth(6, 21, 17)]
    write(frames, tmp_path / f"a{suffix}", scale=scale)
    back, durations, loop = read(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(back, np.broadcast_to(enlarge(np.stack(frames), scale), back.shape))
    assert durations == [40] * 6
    assert loop == 0


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([*LOSSLESS, ".gif"]), st.integers(2, 5), st.integers(1, 20), st.integers(1, 20), st.integers(0, 99)
)
def test_any_animation_of_grays_comes_back(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, count: int, height: int, width: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("any") / f"a{suffix}"
    frames = noise(count, height, width, 1, seed)
    frames.append(frames[-1])
    frames.append(frames[-1].copy())
    frames[-1][height // 2, width // 2] ^= 1
    write(frames, path)
    back, durations, _ = read(path)
    assert len(durations) == count + 2
    np.testing.assert_array_equal(back[..., :1], np.stack(frames))


@pytest.mark.parametrize("suffix", [".gif", *LOSSLESS])
@pytest.mark.parametrize(("wanted", "shown"), [({"loop": False}, 1), ({"plays": 3}, 3), ({}, 0)])
def test_loop_count(tmp_path: Path, suffix: str, wanted: dict[str, Any], shown: int) -> None:
    write(smooth(4), tmp_path / f"a{suffix}", **wanted)
    loop = read(tmp_path / f"a{suffix}")[2]
    assert loop == ({0: 0, 1: None, 3: 2} if suffix == ".gif" else {0: 0, 1: 1, 3: 3})[shown]


@pytest.mark.parametrize(
    ("suffix", "fps", "durations"),
    [
        (".webp", 30, [33, 34, 33, 33]),
        (".apng", 30, [1000 / 30] * 4),
        (".apng", 29.97, [100_000 / 2997] * 4),
        (".gif", 30, [30, 40, 30, 30]),
        (".webp", 50, [20] * 4),
    ],
)
def test_durations(tmp_path: Path, suffix: str, fps: float, durations: list[float]) -> None:
    write(smooth(4), tmp_path / f"a{suffix}", fps=fps)
    assert read(tmp_path / f"a{suffix}")[1] == pytest.approx(durations)


@given(st.integers(0, 500), st.floats(0.1, 240), st.sampled_from([100, 1000]))
def test_ticks_add_up(count: int, fps: float, clock: int) -> None:
    ticks = frame_ticks(count, fps, clock)
    ends = np.cumsum(ticks) / clock
    np.testing.assert_allclose(ends, np.arange(1, count + 1) / fps, atol=0.5 / clock + 1e-9)


@pytest.mark.parametrize(
    ("suffix", "wanted", "possible"),
    [(".apng", 30, 30), (".apng", 500, 90), (".webp", 500, 1000 / 11), (".mp4", 29.97, 29.97), (".mp4", 1e9, 240)],
)
def test_possible_speeds(suffix: str, wanted: float, possible: float) -> None:
    assert FORMATS[suffix].possible_fps(wanted) == pytest.approx(possible)


@given(st.floats(1e-7, 1e7))
def test_a_possible_speed_is_possible(fps: float) -> None:
    for kind in FORMATS.values():
        possible = kind.possible_fps(fps)
        assert 0 < possible < np.inf
        assert kind.possible_fps(possible) == pytest.approx(possible, rel=1e-3)


def test_a_video_is_what_it_says(tmp_path: Path) -> None:
    frames = smooth(12)
    write(frames, tmp_path / "a.mp4", fps=29.97, scale=4)
    back, times, rate = read_video(tmp_path / "a.mp4")
    assert back.shape == (12, 128, 192, 3)
    assert rate == Fraction(2997, 100)
    np.testing.assert_allclose(times, np.arange(12) / 29.97, atol=1e-3)
    error = ((back[:, 2::4, 2::4].astype(float) - np.stack(frames)) ** 2).mean()
    assert 10 * np.log10(255**2 / error) > 32


def test_odd_videos_are_made_even(tmp_path: Path) -> None:
    write(noise(3, 15, 21, 1), tmp_path / "a.mp4")
    assert read_video(tmp_path / "a.mp4")[0].shape == (3, 16, 22, 3)


def test_video_without_pyav_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ExportError, match="pip install av"):
        write(smooth(4), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_has_an_image_for_each_frame(tmp_path: Path) -> None:
    frames = smooth(5)
    write(frames, tmp_path / "film", scale=2)
    files = sorted((tmp_path / "film").iterdir())
    assert [file.name for file in files] == [f"frame-000{number}.png" for number in range(1, 6)]
    for file, frame in zip(files, frames, strict=True):
        with Image.open(file) as pil_image:
            np.testing.assert_array_equal(np.array(pil_image), enlarge(frame, 2))


def test_a_folder_is_replaced_only_if_it_is_ours(tmp_path: Path) -> None:
    folder = tmp_path / "film"
    folder.mkdir()
    write(smooth(6), folder)
    write(smooth(4), folder)
    assert len(list(folder.iterdir())) == 4
    (folder / "thesis.txt").write_text("all of it")
    with pytest.raises(ExportError, match=r"thesis\.txt"):
        write(smooth(4), folder)
    assert len(list(folder.iterdir())) == 5
    with pytest.raises(ExportError, match="not a folder of frames"):
        list(FOLDER.write(iter(smooth(4)), 4, folder / "thesis.txt", ExportSettings(10, False)))


@pytest.mark.parametrize("name", NAMES)
def test_closing_the_job_early_leaves_what_was_there(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix:
        path.write_bytes(b"old")
    else:
        path.mkdir()
        (path / "frame-0001.png").write_bytes(b"old")
    job = format_of(path).write(iter(smooth(9)), 9, path, ExportSettings(fps=10, loop=True))
    for _ in range(3):
        next(job)
    assert isinstance(job, Generator)
    job.close()
    assert (path if path.suffix else path / "frame-0001.png").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a file's size cannot be bounded")
@pytest.mark.parametrize("name", NAMES)
def test_no_space_leaves_what_was_there(tmp_path: Path, name: str) -> None:
    import resource  # there is none on Windows

    path = tmp_path / name
    if path.suffix:
        path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700, hard))
    try:
        with pytest.raises(ExportError, match="Cannot write"):
            write(noise(9, 40, 40, 3), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [(file, file.read_bytes()) for file in tmp_path.iterdir()] == ([(path, b"old")] if path.suffix else [])


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_folder_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match="gone"):
        write(smooth(4), tmp_path / "gone" / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_wrong_frames_write_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match="3 of 4 frames"):
        list(format_of(tmp_path / name).write(noise(3, 8, 8, 3), 4, tmp_path / name, ExportSettings(10, False)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".gif", *LOSSLESS])
@pytest.mark.parametrize("palette", ["shared", "frame"])
def test_a_caption_stands_below_every_frame(tmp_path: Path, suffix: str, palette: str) -> None:
    frames = smooth(5)
    write(frames, tmp_path / f"a{suffix}", scale=3, caption="digits 3 → 7", palette=palette)
    strip = caption_strip(144, 3, "digits 3 → 7")
    back = read(tmp_path / f"a{suffix}")[0]
    assert back.shape == (5, 96 + strip.shape[0], 144, 3)
    for frame in back:
        assert np.abs(frame[96:].astype(int) - strip).max() <= (0 if suffix != ".gif" else 30)
    assert strip.min() < 60


def test_a_gray_animation_with_a_caption_is_still_exact(tmp_path: Path) -> None:
    frames = noise(3, 16, 60, 1)
    write(frames, tmp_path / "a.gif", scale=2, caption="γ")
    np.testing.assert_array_equal(read(tmp_path / "a.gif")[0][:, :32, :, :1], enlarge(np.stack(frames), 2))


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_side_by_side_with_the_end_images(tmp_path: Path, suffix: str) -> None:
    frames = smooth(4)
    write(frames, tmp_path / f"a{suffix}", beside=(frames[0], frames[-1]))
    back = read(tmp_path / f"a{suffix}")[0]
    assert back.shape == (4, 32, 3 * 48 + 2, 3)
    for frame, shown in zip(frames, back, strict=True):
        np.testing.assert_array_equal(shown[:, :48], frames[0])
        np.testing.assert_array_equal(shown[:, 49:97], frame)
        np.testing.assert_array_equal(shown[:, 98:], frames[-1])
    with pytest.raises(ExportError, match="Start and end images"):
        write(frames, tmp_path / "b.gif", beside=(frames[0][:5], frames[-1]))


def test_a_smooth_size_is_smooth(tmp_path: Path) -> None:
    frames = smooth(4)
    write(frames, tmp_path / "a.webp", size=(48, 60))
    back = read(tmp_path / "a.webp")[0]
    expected = [np.array(Image.fromarray(frame).resize((60, 48), Image.Resampling.LANCZOS)) for frame in frames]
    np.testing.assert_array_equal(back, expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("side", "caption"), [(512, ""), (96, ""), (101, "mine")])
def test_a_file_has_exactly_the_size_that_is_said_before(tmp_path: Path, name: str, side: int, caption: str) -> None:
    frames, path = noise(5, 24, 16, 1), tmp_path / name
    scale, size = fitted((24, 16, 1), side, smooth=False)
    wanted: dict[str, Any] = {"scale": scale, "size": size, "smooth": False, "caption": caption}
    write(frames, path, **wanted)
    said = size_of_file(format_of(path), (24, 16, 1), 5, ExportSettings(fps=25, loop=True, **wanted))
    if name.endswith(".mp4"):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert said == (stream.height, stream.width)
            assert side <= stream.height <= side + 1 or caption
    else:
        with Image.open(sorted(path.glob("*.png"))[0] if path.is_dir() else path) as image:
            assert said == image.size[::-1]
    if not caption and name.endswith((".gif", ".webp", ".apng")):
        assert said == (side, round(side * 2 / 3))


def test_sharp_pixels_are_squares_with_blended_edges() -> None:
    image = noise(1, 4, 6, 3)[0]
    np.testing.assert_array_equal(sample_area(image, (12, 18)), enlarge(image, 3))
    made = sample_area(image, (10, 15))
    assert made.shape == (10, 15, 3)
    np.testing.assert_array_equal(made[0, 0], image[0, 0])
    half = (image[0, 0].astype(float) + image[0, 1]) / 2
    np.testing.assert_allclose(made[0, 2], half, atol=0.6)
    np.testing.assert_allclose(made.mean(axis=(0, 1)), image.mean(axis=(0, 1)), atol=0.6)


@pytest.mark.parametrize(("wrong", "said"), [({"plays": -1}, "loop count"), ({"size": (0, 5)}, "sides of a frame")])
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ExportSettings(fps=10, loop=True, **wrong)


@pytest.mark.parametrize(
    "kind", [*(kind for kind in FORMATS.values() if kind.animated), FOLDER], ids=lambda kind: kind.title
)
def test_the_estimate_is_near(tmp_path: Path, kind: ExportFormat) -> None:
    frames = smooth(40)
    name = tmp_path / "film"
    wanted = ExportSettings(25, True, scale=2)
    list(kind.write(iter(frames), 40, name, wanted))
    size = sum(file.stat().st_size for file in (name.iterdir() if name.is_dir() else [name]))
    assert 0.4 < estimate_bytes(kind, frames[16:26], 40, wanted) / size < 2.5
    held = estimate_bytes(kind, frames[16:26], 400, wanted, moving=39)
    assert held == estimate_bytes(kind, frames[16:26], 40, wanted)


def test_an_estimate_needs_two_frames() -> None:
    with pytest.raises(UsageError, match="two consecutive frames"):
        estimate_bytes(FORMATS[".gif"], smooth(4)[:1], 10, ExportSettings(25, True))
