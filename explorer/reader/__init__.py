"""Read untrusted files with native parsers in a process without privileges.

Other packages call `read`. A reader is one function, ``(files, **arguments) -> Iterator[record]``, in the package of
its format, registered in `explorer.reader.registry.READERS`. It runs in its own process, which has imported all it
needs, has opened the files, and then has dropped all other privileges (`explorer.reader.sandbox`).

Example
-------
The package of a format has the reader, which runs in the child process::

    def read_shapes(files: tuple[Handed, ...], *, most: int) -> Iterator[Shape]:
        with h5py.File(files[0].file, "r") as file:
            ...
            yield Shape(name, shape)  # a dataclass of plain values and arrays (see explorer.ipc.pack)

the registry has the line ``"shapes": Reader("explorer.models.third_party.shapes:read_shapes", error=ModelError)``, and
the caller calls ``read("shapes", [path], (Shape,), {"most": 100})``. In a job, `steps` yields None while it waits.
"""

from explorer.reader.client import close_all, guards, read, steps
from explorer.reader.handed import Handed
from explorer.reader.registry import READERS, Reader
from explorer.reader.sandbox import GUARDS

__all__ = ["GUARDS", "READERS", "Handed", "Reader", "close_all", "guards", "read", "steps"]
