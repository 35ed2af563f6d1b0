"""What the commands and the tabs mean, each in one sentence: shown as tooltips and in the command palette."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def _tr(text: str) -> str:
    return QCoreApplication.translate("command_tips", text)


def tab_tips() -> dict[str, str]:
    """Return a sentence for each tab under the stage, by the object name of its panel."""
    tr = _tr
    return {
        "map_panel": tr("A plane of the code space, decoded at every point: what lies between the codes of the data."),
        "traversals_panel": tr("One dimension or axis of the code walked at a time: what it alone changes."),
        "samples_panel": tr("Codes drawn at random from a prior, decoded: what the model makes up by itself."),
        "noise_panel": tr("The picture corrupted, then encoded and decoded: how much noise the code does not keep."),
        "outliers_panel": tr("Pictures ranked by reconstruction error: what the code cannot hold is unlike the data."),
        "neighbours_panel": tr("Pictures whose codes are nearest: what the encoder takes for alike."),
        "arithmetic_panel": tr("Sums of codes, such as a − b + c: what parts two pictures, carried over to others."),
        "compare_panel": tr("One picture through two models: what each of their codes keeps of it."),
        "train_panel": tr("A new autoencoder learned from the open pictures, watched while it learns."),
    }


def command_tips() -> dict[str, str]:
    """Return a sentence for each command that is not plain from its title, by its object name."""
    tr = _tr
    return {
        "action_open_model": tr("A bundle: encoder and decoder, the codes of held-out pictures, and a card."),
        "action_import": tr("Cut a Keras autoencoder at its bottleneck into encoder and decoder."),
        "action_open_folder": tr("Pictures of any size; each is prepared as the model's training data were."),
        "action_open_file": tr("A picture, an archive, a NumPy or IDX file, or a font."),
        "action_reopen": tr("An exported film carries its recipe: keyframes and ways come back from it."),
        "action_export": tr("Write the morph as a film or a sheet of frames, decoded at exact times."),
        "action_undo": tr("Take the last edit back; a drag is one edit."),
        "action_redo": tr("Do the edit again that was taken back."),
        "action_copy_picture": tr("What the latent cursor decodes to, pixel by pixel, onto the clipboard."),
        "action_copy_code": tr("The latent cursor as a list of numbers, onto the clipboard."),
        "action_paste": tr("Encode the picture on the clipboard, open its files, or go to its code."),
        "action_invert_guest": tr("Exchange dark and light of a dropped picture: a model knows only what it learned."),
        "action_reset": tr("Back to the code that the encoder gives the chosen picture."),
        "action_shuffle": tr("A random code, drawn from a normal distribution like that of the data."),
        "action_code_view": tr("Sliders for raw dimensions, for principal axes of the data, or for kept directions."),
        "action_filter": tr("Show only some of the sliders: by number, by range, or those that vary."),
        "action_find_directions": tr("The direction in code space along which an attribute changes, with its effect."),
        "action_statistics": tr("How the codes of the data are spread: which dimensions are used and which are not."),
        "action_paint": tr("Change a spatial code where you paint: each of its places sees a part of the picture."),
        "action_keyframe": tr("Put the latent cursor at the end of the morph."),
        "action_bookmark": tr("Mark the cursor, to come back to it."),
        "action_session_new": tr("Begin anew: no keyframes, bookmarks or edits."),
        "action_session_open": tr("A session holds the whole state of the work, in one file."),
        "action_session_save": tr("Write the whole state of the work into one file."),
        "action_session_save_as": tr("Write the whole state of the work into another file."),
        "action_recent_clear": tr("Forget which sessions were open; the files stay."),
        "action_duplicate": tr("Let the morph rest at a code, or come back to it."),
        "action_play": tr("Run the cursor along the way between the keyframes."),
        "action_previous": tr("Choose the picture before, and encode it."),
        "action_next": tr("Choose the next picture, and encode it."),
        "action_palette": tr("Find any command by a few letters of its name."),
        "action_problems": tr("What went wrong since the start, with details to copy, and the way to the log file."),
        "action_tour": tr("Five steps through the window: from a picture to a morph."),
        "action_settings": tr("Colours, layout, and what happens at the start."),
        "action_next_pane": tr("Take the keyboard to the next part of the window."),
        "action_previous_pane": tr("Take the keyboard to the part of the window before."),
        "action_reset_layout": tr("Put all docks back where they were at first."),
        "action_show_library_dock": tr("Show or hide the list of models and pictures."),
        "action_show_gallery_dock": tr("Show or hide the pictures that are open."),
        "action_show_bookmarks_dock": tr("Show or hide the codes that were marked to come back to."),
        "action_show_history_dock": tr("Show or hide the list of edits; a click goes back to one."),
        "action_show_latent_dock": tr("Show or hide the sliders of the code."),
        "action_show_timeline_dock": tr("Show or hide the keyframes and the way between them."),
        "action_scheme_system": tr("Light or dark, as the system has it."),
        "action_scheme_light": tr("Dark on light."),
        "action_scheme_dark": tr("Light on dark."),
        "action_quit": tr("Close the window; a training that runs keeps its last checkpoint."),
        "action_help": tr("What you see, what you can do, and all keys."),
        "timeline_even": tr("Time the frames such that the picture changes by the same amount in each."),
        "timeline_duplicate": tr("Put a double of the chosen keyframe behind it: the morph rests there."),
        "timeline_delete": tr("Take the chosen keyframe out of the morph."),
        "timeline_clear": tr("Take all keyframes out; undo brings them back."),
        "map_save_axes": tr("Write the map as a picture, with its axes and numbers."),
        "map_save_plane": tr("Write the decoded plane alone, pixel by pixel."),
        "map_save_points": tr("Write the codes of the pictures as a drawing that stays sharp at any size."),
        "map_save_codes": tr("Write the codes of the pictures as a table, for other programs."),
        "noise_clean_picture": tr("Encode and decode a picture file, and write what comes back."),
        "noise_clean_folder": tr("Encode and decode all pictures of a folder, and write what comes back."),
        **{f"action_tab_{name.removesuffix('_panel')}": tip for name, tip in tab_tips().items()},
    }
