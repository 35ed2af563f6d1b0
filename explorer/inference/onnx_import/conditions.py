"""Makes the conditions of encoder and decoder the end of codes, where they can be changed."""

from __future__ import annotations

import numpy as np

from explorer.inference.onnx_import.parts import Part
from explorer.inference.onnx_import.understanding import control_of
from explorer.models.import_record import Control


def share_controls(encoder: Part | None, decoder: Part | None) -> None:
    """Set the conditions of both parts that can be changed: equal ones, by name or else by shape, are one."""
    left = _changeable(encoder)
    controls: list[Control] = []
    for place, control in _changeable(decoder).items():
        alike = [key for key, other in left.items() if (other.shape, other.choices) == (control.shape, control.choices)]
        match = next((key for key in alike if left[key].name == control.name), next(iter(alike), None))
        if match is not None:
            del left[match]
        controls.append(control.model_copy(update={"in_encoder": match, "in_decoder": place}))
    controls += [control.model_copy(update={"in_encoder": place}) for place, control in left.items()]
    for one, field in ((encoder, "in_encoder"), (decoder, "in_decoder")):
        if one is not None:
            one.controls = tuple(controls)
            places = [getattr(control, field) for control in controls]
            one.fed = {
                one.network.given[place].name: number for number, place in enumerate(places) if place is not None
            }


def _changeable(one: Part | None) -> dict[int, Control]:
    """Return the conditions of a network that can be changed, by their place among its inputs."""
    if one is None:
        return {}
    found = {}
    for place, port in enumerate(one.network.given):
        control = control_of(one.network, port) if port.name in one.rows else None
        # A condition without an axis for the batch is the same for all images.
        if control is not None and port.shape and port.shape[0] in {None, one.fixed}:
            default = tuple(np.asarray(one.rows[port.name], np.float32).ravel().tolist())
            found[place] = control.model_copy(update={"default": default})
    return found
