"""The decoded keyframes."""

from __future__ import annotations

from explorer.document.views.decoded import decoded_part

KEYFRAMES = decoded_part("keyframes", "keyframes", lambda state: [keyframe.code for keyframe in state.keyframes])
