"""One sentence per command and tab, for tooltips and the command palette."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def _tr(text: str) -> str:
    return QCoreApplication.translate("command_tips", text)


def tab_tips() -> dict[str, str]:
    """Return the tooltips of the tabs, by the object name of their panel."""
    tr = _tr
    return {
        "map_panel": tr("Decode a plane of latent space, and show the dataset's codes on it."),
        "traversals_panel": tr("Vary one dimension or principal component at a time."),
        "samples_panel": tr("Decode random codes drawn from a prior."),
        "noise_panel": tr("Corrupt images, reconstruct them, and measure how much noise is removed."),
        "outliers_panel": tr("Rank images by reconstruction error to find out-of-distribution ones."),
        "neighbors_panel": tr("Find the images whose codes are nearest to a code."),
        "arithmetic_panel": tr("Add and subtract codes, such as A − B + C, and decode the result."),
        "compare_panel": tr("Reconstruct an image with two models and compare error, size and speed."),
        "train_panel": tr("Train a new autoencoder on the open dataset."),
    }


def command_tips() -> dict[str, str]:
    """Return the tooltips of commands that need one, by object name."""
    tr = _tr
    return {
        "action_open_model": tr("Open a model folder: encoder, decoder, codes of test images, and card."),
        "action_import": tr("Split a Keras autoencoder at its bottleneck into encoder and decoder."),
        "action_open_folder": tr("Open images of any size; they are preprocessed like the training data."),
        "action_open_file": tr("Open an image, archive, NumPy or IDX file, or font."),
        "action_reopen": tr("Restore keyframes and paths from the recipe in an exported file."),
        "action_export": tr("Export the animation as a video, GIF or contact sheet."),
        "action_undo": tr("Undo the last edit; a drag is one edit."),
        "action_redo": tr("Redo the last undone edit."),
        "action_copy_image": tr("Copy the decoded image, pixel for pixel."),
        "action_copy_code": tr("Copy the current code as a list of numbers."),
        "action_paste": tr("Encode the image on the clipboard, open its files, or apply its code."),
        "action_invert_imported_image": tr("Invert an imported image: models know only the polarity of their data."),
        "action_reset": tr("Reset to the code that the encoder gives the selected image."),
        "action_shuffle": tr("Draw a code from a normal distribution fitted to the dataset's codes."),
        "action_code_view": tr("Switch the sliders between dimensions, principal components and directions."),
        "action_filter": tr("Show only sliders of given numbers or ranges, or the active ones."),
        "action_find_directions": tr("Find the direction in latent space along which an attribute changes."),
        "action_statistics": tr("Show statistics of each dimension, correlations, and linear probes."),
        "action_paint": tr("Edit a spatial code by painting on one of its channels."),
        "action_keyframe": tr("Append the current code to the timeline."),
        "action_bookmark": tr("Save the current code as a bookmark."),
        "action_session_new": tr("Start a new, empty session."),
        "action_session_open": tr("Open a session file: model, dataset, keyframes, bookmarks and edits."),
        "action_session_save": tr("Save model, dataset, keyframes, bookmarks and edits to the session file."),
        "action_session_save_as": tr("Save the session to another file."),
        "action_recent_clear": tr("Clear the list of recent sessions; their files are kept."),
        "action_duplicate": tr("Insert a copy of the selected keyframe after it."),
        "action_play": tr("Play the animation between the keyframes."),
        "action_previous": tr("Select the previous image."),
        "action_next": tr("Select the next image."),
        "action_palette": tr("Search all commands by name."),
        "action_problems": tr("Show all errors since startup, with details to copy, and the log file."),
        "action_tour": tr("See the main steps, from an image to an animation."),
        "action_settings": tr("Change theme, layout and startup."),
        "action_next_pane": tr("Move the focus to the next panel."),
        "action_previous_pane": tr("Move the focus to the previous panel."),
        "action_reset_layout": tr("Move all docks back to their initial places."),
        "action_show_library_dock": tr("Show or hide the models and datasets."),
        "action_show_gallery_dock": tr("Show or hide the images of the dataset."),
        "action_show_bookmarks_dock": tr("Show or hide the bookmarked codes."),
        "action_show_history_dock": tr("Show or hide the list of edits; click one to undo or redo to it."),
        "action_show_latent_dock": tr("Show or hide the sliders of the latent code."),
        "action_show_timeline_dock": tr("Show or hide the keyframes and the animation controls."),
        "action_scheme_system": tr("Follow the light or dark theme of the system."),
        "action_scheme_light": tr("Light background, dark text."),
        "action_scheme_dark": tr("Dark background, light text."),
        "action_quit": tr("Close the window; a running training keeps its last checkpoint."),
        "action_help": tr("Show help on this window and all keyboard shortcuts."),
        "timeline_even": tr("Retime the frames so that the image changes equally in each."),
        "timeline_duplicate": tr("Insert a copy of the selected keyframe after it."),
        "timeline_delete": tr("Delete the selected keyframe."),
        "timeline_clear": tr("Delete all keyframes; undo restores them."),
        "map_save_axes": tr("Export the map as an image with axes and numbers."),
        "map_save_plane": tr("Export the decoded grid alone, pixel for pixel."),
        "map_save_points": tr("Export the points as a vector graphic."),
        "map_save_codes": tr("Export the codes as a table for other programs."),
        "noise_clean_image": tr("Reconstruct an image file and save the result."),
        "noise_clean_folder": tr("Reconstruct all images of a folder and save the results."),
        **{f"action_tab_{name.removesuffix('_panel')}": tip for name, tip in tab_tips().items()},
    }
