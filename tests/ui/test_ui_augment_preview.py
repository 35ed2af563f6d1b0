"""The preview of augmented images, with the threads that make them."""

from __future__ import annotations

import numpy as np
from explorer_testing.builders import augment, make_source
from explorer_testing.window import WindowDriver, array_of, type_into
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLineEdit, QSpinBox

from explorer.data.mixer import Mix, MixedChannel, Mixer
from explorer.data.preprocessing import Preprocessing
from explorer.types import Pixels
from explorer.ui.dialogs.augment_preview import AugmentPreview


def preview_of(driver: WindowDriver) -> AugmentPreview:
    """Open the preview over 20 images."""
    driver.open(source=make_source(20, (18, 16, 1)))
    driver.tab("Train")
    driver.click("train_preview")
    return driver.find(AugmentPreview, "augment_preview")


def shown(driver: WindowDriver, preview: AugmentPreview, seed: int) -> Pixels:
    """Wait for the images of a seed; return them ``(rows, columns, h, w, 1)``."""
    dataset_checks = driver.document.dataset_checks
    driver.until(lambda: dataset_checks.preview is not None and dataset_checks.preview.request.seed == seed)
    assert dataset_checks.preview is not None
    assert not dataset_checks.preview.message
    return np.stack([np.stack([array_of(image) for image in row]) for row in preview.table.rows])


def test_it_shows_originals_and_what_training_would_make_of_them(driver: WindowDriver) -> None:
    preview = preview_of(driver)
    pixels = shown(driver, preview, 0)
    source = driver.document.source
    assert source is not None
    train = source.splits.train
    originals = source.read(train, Preprocessing.standard((18, 16, 1)))
    chosen = np.searchsorted(train, source.splits.select("train", 4))
    trained_on = augment(originals, 8 * len(train), 0).pixels.reshape(8, len(train), 18, 16, 1)
    np.testing.assert_array_equal(pixels, trained_on[:, chosen].swapaxes(0, 1))
    assert not preview.isModal()


def test_another_seed_is_that_of_the_training_too(driver: WindowDriver) -> None:
    preview = preview_of(driver)
    first = shown(driver, preview, 0)
    driver.click("augment_another")
    seed = driver.find(QSpinBox, "train_seed").value()
    assert seed != 0
    second = shown(driver, preview, seed)
    np.testing.assert_array_equal(second[:, 0], first[:, 0])
    assert (second[:, 1:] != first[:, 1:]).any()


def test_it_follows_the_settings(driver: WindowDriver) -> None:
    preview = preview_of(driver)
    first = shown(driver, preview, 0)
    box = driver.find(QCheckBox, "train_invert")
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    driver.click("augment_another")
    second = shown(driver, preview, driver.find(QSpinBox, "train_seed").value())
    np.testing.assert_array_equal(second[:, 0], 255 - first[:, 0])


def test_images_that_cannot_be_made_say_why(driver: WindowDriver) -> None:
    preview = preview_of(driver)
    shown(driver, preview, 0)
    size = driver.find(QLineEdit, "train_size")
    type_into(size, "24x20")
    type_into(driver.find(QSpinBox, "train_crop"), "9")
    assert preview.table.rows == [], "18 × 16 pixels have nothing left of them"
    type_into(driver.find(QSpinBox, "train_crop"), "3")
    driver.until(lambda: bool(preview.table.rows))
    assert array_of(preview.table.rows[0][0]).shape == (24, 20, 1)


def test_channels_go_through_the_mixer(driver: WindowDriver) -> None:
    driver.document.open(source=make_source(20, (18, 16, 4)))
    driver.tab("Train")
    driver.click("train_preview")
    preview = driver.find(AugmentPreview, "augment_preview")
    shown(driver, preview, 0)
    made = driver.document.dataset_checks.preview
    assert made is not None
    assert made.pixels is not None
    assert made.pixels.shape[2:] == (18, 16, 4)
    red = Mix(channels=(MixedChannel(color="#ff0000"), *(MixedChannel(visible=False),) * 3))
    driver.document.set_mixer(Mixer(mixes=(red,)))
    image = array_of(preview.table.rows[1][2])
    np.testing.assert_array_equal(image[..., 0], made.pixels[1, 2, ..., 0])
    assert not image[..., 1:].any()


def test_it_goes_with_the_panel(driver: WindowDriver) -> None:
    preview = preview_of(driver)
    assert preview.isVisible()
    driver.tab("Map")
    assert not preview.isVisible()
