"""PySide6 6.12.0 leaks a reference to True at every emit and soon aborts; the allowed releases do not."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from PySide6.QtCore import QObject, Signal

class Sender(QObject):
    changed = Signal(bool)
    anything = Signal(object)

heard = 0
def hear(value):
    global heard
    heard += value is True

sender = Sender()
sender.changed.connect(hear)
sender.anything.connect(hear)
for _ in range(5_000):
    sender.changed.emit(True)
    sender.anything.emit(True)
print(heard)
"""


def test_ten_thousand_signals_arrive_and_the_process_ends_well() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (ended.stdout.strip(), ended.returncode) == ("10000", 0), ended.stderr
