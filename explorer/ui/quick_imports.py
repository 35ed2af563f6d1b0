"""Makes every later import quicker; to be imported before anything else.

PySide6 reads the source of each module that is imported, in search of its own name, for ``from __feature__ import``,
and Python keeps what it read: 180,000 lines at the start of this program, a tenth of a second and 20 MB. No module of
this program uses features, so nothing is searched.
"""

from __future__ import annotations

import sys
from types import ModuleType

import PySide6.QtCore  # noqa: F401  loads what is replaced here


def _search_nothing(module: ModuleType) -> None:
    """Take the place of the search that follows an import."""


_feature = sys.modules.get("shibokensupport.feature")
if _feature is not None:  # another version of PySide6 may do without it
    vars(_feature)["feature_imported"] = _search_nothing
