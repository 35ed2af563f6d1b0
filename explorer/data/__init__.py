"""Image input: sources, formats, splits, preprocessing, corruption, augmentation, metrics (numpy and Pillow)."""
