from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import open_source
from explorer.errors import ExportError, UsageError
from explorer.export import ExportSettings, format_of
from explorer.export.gif import frame_delays, possible_fps, write_gif
from explorer.export.palette import GRAYS
from explorer.types import Progress, Shown


def write(frames: list[Shown], path: Path, **wanted: Any) -> list[Progress]:
    return list(write_gif(iter(frames), len(frames), path, ExportSettings(**({"fps": 50, "loop": True} | wanted))))


def read(path: Path) -> tuple[Shown, list[int]]:
    """Frames ``(n, h, w, 3)`` and their delays in ms."""
    with Image.open(path) as pil_image:
        frames = [
            (np.array(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(pil_image)
        ]
    return np.stack([frame for frame, _ in frames]), [delay for _, delay in frames]


def noise(count: int, height: int, width: int, channels: int, seed: int = 0) -> list[Shown]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8))


def photographs(count: int, side: int = 48) -> list[Shown]:
    """Smooth color images of far more than 256 colors, each a little different."""
    ys, xs = np.mgrid[0:side, 0:side] / (side - 1)
    images = []
    for t in np.linspace(0, 1, count):
        planes = [xs * (1 - t) + ys * t, ys, (1 - xs) * 0.7 + 0.3 * t]
        images.append((np.stack(planes, axis=-1) * 255).round().astype(np.uint8))
    return images


def psnr(one: Shown, other: Shown) -> float:
    return float(10 * np.log10(255**2 / max(((one.astype(float) - other) ** 2).mean(), 1e-9)))


def test_the_references_animation_keeps_every_frame(tmp_path: Path) -> None:
    run = noise(90, 28, 28, 1)
    frames = [run[0]] * 18 + run + [run[-1]] * 18 + run[::-1]
    progress = write(frames, tmp_path / "film.gif")
    back, delays = read(tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as pil_image:
        assert pil_image.n_frames == 216
        assert pil_image.info["loop"] == 0
    assert delays == [20] * 216
    assert sum(delays) == 4320
    np.testing.assert_array_equal(back, np.repeat(np.stack(frames), 3, axis=-1))
    assert [step.done for step in progress] == list(range(1, 217))
    assert {step.total for step in progress} == {216}


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 3),
    st.integers(0, 999),
    st.sampled_from([1, 2, 256]),
)
def test_grays_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, n: int, height: int, width: int, scale: int, seed: int, levels: int
) -> None:
    path = tmp_path_factory.mktemp("gray") / "a.gif"
    frames = [(frame % np.uint16(levels)).astype(np.uint8) for frame in noise(n, height, width, 1, seed)]
    write(frames, path, scale=scale)
    back, _ = read(path)
    expected = np.stack(frames).repeat(scale, axis=1).repeat(scale, axis=2).repeat(3, axis=3)
    np.testing.assert_array_equal(back, expected)


def test_every_gray_is_in_the_palette() -> None:
    assert np.frombuffer(GRAYS, np.uint8).reshape(256, 3).tolist() == [[level] * 3 for level in range(256)]


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.lists(st.integers(0, 3), min_size=1, max_size=15), st.sampled_from(["shared", "frame"]))
def test_images_of_few_colors_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, side: int, order: list[int], palette: str
) -> None:
    path = tmp_path_factory.mktemp("few") / "a.gif"
    rng = np.random.default_rng(side)
    # Neighbors in color: they differ by 1, less than Pillow's own look-up tells apart.
    colors = np.array([[10, 20, 30], [11, 20, 30], [10, 21, 31], [250, 0, 0]], dtype=np.uint8)
    images = colors[rng.integers(0, 4, (4, side, side + 1))]
    frames = [images[number] for number in order]
    write(frames, path, palette=palette)
    back, delays = read(path)
    np.testing.assert_array_equal(back, np.stack(frames))
    assert len(delays) == len(order)


@pytest.mark.parametrize("dither", [False, True])
@pytest.mark.parametrize("palette", ["shared", "frame"])
def test_color_animations_stay_close(tmp_path: Path, palette: str, dither: bool) -> None:
    frames = photographs(12)
    frames = frames[:1] * 4 + frames
    write(frames, tmp_path / "a.gif", palette=palette, dither=dither)
    back, delays = read(tmp_path / "a.gif")
    assert len(delays) == 16
    for frame, shown in zip(frames, back, strict=True):
        assert psnr(frame, shown) > (24 if dither else 26)
    np.testing.assert_array_equal(back[0], back[3])


def test_a_palette_for_each_frame_is_closer_than_a_shared_one(tmp_path: Path) -> None:
    frames = photographs(12)
    write(frames, tmp_path / "shared.gif", palette="shared")
    write(frames, tmp_path / "frame.gif", palette="frame")
    shared, own = (psnr(np.stack(frames), read(tmp_path / name)[0]) for name in ("shared.gif", "frame.gif"))
    assert own > shared


def test_enlargement_comes_after_quantization(tmp_path: Path) -> None:
    frames = photographs(3)
    write(frames, tmp_path / "small.gif", dither=True)
    write(frames, tmp_path / "large.gif", dither=True, scale=3)
    small, large = read(tmp_path / "small.gif")[0], read(tmp_path / "large.gif")[0]
    np.testing.assert_array_equal(large, small.repeat(3, axis=1).repeat(3, axis=2))


@given(st.integers(1, 400), st.floats(0.05, 200))
def test_delays_add_up(count: int, fps: float) -> None:
    delays = frame_delays(count, fps)
    assert delays.shape == (count,)
    assert delays.min() >= 2
    assert abs(delays.sum() - count * 100 / possible_fps(fps)) <= 0.5 + 1e-6
    assert delays.max() - delays.min() <= 1


def test_thirty_frames_a_second_are_threes_and_fours(tmp_path: Path) -> None:
    assert sorted(frame_delays(3, 30).tolist()) == [3, 3, 4]
    write(noise(30, 8, 8, 1), tmp_path / "a.gif", fps=30)
    _, delays = read(tmp_path / "a.gif")
    assert set(delays) == {30, 40}
    assert sum(delays) == 1000


@pytest.mark.parametrize(("wanted", "possible"), [(50, 50), (60, 50), (29.97, 29.97), (12, 12), (1e-6, 100 / 65535)])
def test_possible_speeds(wanted: float, possible: float) -> None:
    assert possible_fps(wanted) == pytest.approx(possible)


@pytest.mark.parametrize("loop", [True, False])
def test_loop_flag(tmp_path: Path, loop: bool) -> None:
    write(noise(2, 8, 8, 1), tmp_path / "a.gif", loop=loop)
    with Image.open(tmp_path / "a.gif") as pil_image:
        assert pil_image.info.get("loop") == (0 if loop else None)


@pytest.mark.parametrize("channels", [1, 3])
def test_closing_the_job_early_leaves_what_was_there(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(b"old")
    job = write_gif(iter(noise(5, 8, 8, channels)), 5, path, ExportSettings(fps=10, loop=True))
    for _ in range(3):
        next(job)
    assert isinstance(job, Generator)
    job.close()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_frames_of_a_generator_that_fills_one_array(tmp_path: Path) -> None:
    def reused(channels: int) -> Iterator[Shown]:
        frame = np.zeros((6, 6, channels), dtype=np.uint8)
        for level in (10, 20, 30):
            frame[:] = level
            yield frame

    for channels in (1, 3):
        list(write_gif(reused(channels), 3, tmp_path / "a.gif", ExportSettings(fps=10, loop=True)))
        assert read(tmp_path / "a.gif")[0][:, 0, 0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize(
    ("frames", "total", "said"),
    [
        (noise(2, 4, 4, 1), 3, "2 of 3 frames"),
        (noise(3, 4, 4, 1), 2, "more than 2 frames"),
        ([], 0, "0 of 1 frame"),
        ([*noise(1, 4, 4, 1), *noise(1, 4, 5, 1)], 2, "All frames must have shape"),
        (noise(1, 4, 4, 2), 1, "1 or 3"),
        ([np.zeros((4, 4, 1), dtype=np.float32)], 1, "must be uint8"),
        ([np.zeros((1, 70_000, 1), dtype=np.uint8)], 1, "8,192"),
    ],
)
def test_frames_that_are_not_as_said_write_nothing(tmp_path: Path, frames: list[Shown], total: int, said: str) -> None:
    with pytest.raises(ExportError, match=said):
        list(write_gif(frames, total, tmp_path / "a.gif", ExportSettings(fps=10, loop=True)))
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="gone"):
        write(noise(1, 4, 4, 1), tmp_path / "gone" / "a.gif")


def test_held_frames_cost_next_to_nothing(tmp_path: Path) -> None:
    image = noise(1, 64, 64, 1)
    write(image, tmp_path / "one.gif")
    write(image * 101, tmp_path / "many.gif")
    grown = (tmp_path / "many.gif").stat().st_size - (tmp_path / "one.gif").stat().st_size
    assert grown < 100 * 40


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"fps": 0}, "frames per second"), ({"scale": 0}, "scale"), ({"palette": "web"}, "shared, frame")],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ExportSettings(**({"fps": 10, "loop": True} | wrong))


def test_pixels_that_stay_are_transparent(tmp_path: Path) -> None:
    """An animation over a busy background costs what moves, and not the background."""
    background = noise(1, 64, 64, 3)[0] & np.uint8(0xC0)
    frames: list[Shown] = []
    for step in range(20):
        frame = background.copy()
        frame[2, 2], frame[60, step * 3] = (255, 0, 0), (0, 255, 0)
        frames.append(frame)
    write(frames[:1], tmp_path / "one.gif")
    write(frames, tmp_path / "all.gif")
    np.testing.assert_array_equal(read(tmp_path / "all.gif")[0], np.stack(frames))
    assert (tmp_path / "all.gif").stat().st_size < 2 * (tmp_path / "one.gif").stat().st_size


@pytest.mark.parametrize("plays", [0, 1, 2, 7])
def test_number_of_plays(tmp_path: Path, plays: int) -> None:
    """Netscape's block counts the times after the first."""
    write(noise(2, 8, 8, 1), tmp_path / "a.gif", plays=plays)
    with Image.open(tmp_path / "a.gif") as pil_image:
        assert pil_image.info.get("loop") == {0: 0, 1: None, 2: 1, 7: 6}[plays]


def morph_of_faces() -> list[Shown]:
    """60 frames through three of the embedded faces, blended: what a decoder makes of a path between them."""
    keys = open_source("faces").read([11, 340, 777], Preprocessing.standard((64, 64, 3))).astype(np.float64)
    shares = np.linspace(0, 1, 30)[:, None, None, None]
    animation = np.concatenate([keys[k] * (1 - shares) + keys[k + 1] * shares for k in (0, 1)])
    return list(animation.round().astype(np.uint8))


@pytest.mark.parametrize("scale", [1, 4])
def test_faces_are_close_and_smaller_than_pillows_own(tmp_path: Path, scale: int) -> None:
    frames = morph_of_faces()
    write(frames, tmp_path / "ours.gif", scale=scale)
    shown = read(tmp_path / "ours.gif")[0][:, ::scale, ::scale]
    assert np.mean([psnr(one, other) for one, other in zip(frames, shown, strict=True)]) >= 38
    large = [Image.fromarray(frame).resize((64 * scale,) * 2, Image.Resampling.NEAREST) for frame in frames]
    large[0].save(tmp_path / "theirs.gif", save_all=True, append_images=large[1:], duration=20, loop=0)
    assert (tmp_path / "ours.gif").stat().st_size < (tmp_path / "theirs.gif").stat().st_size


def test_an_unknown_ending_names_the_known_ones() -> None:
    with pytest.raises(ExportError, match=r"\.gif, \.webp, \.apng, \.mp4, \.png"):
        format_of(Path("film.bmp"))
