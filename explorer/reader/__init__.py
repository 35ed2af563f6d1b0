"""Files that nobody vouches for, in formats with native parsers, read in a process without privileges.

`read` is what other packages call. A reader is one function, ``(files, **arguments) -> Iterator[record]``, that lives
where its format belongs and is named in `explorer.reader.registry.READERS`; it runs in a process of its own, which has
imported all it needs, has opened the files, and then has given up everything else (`explorer.reader.sandbox`).

Example
-------
A format's own package has the reader, which runs in the child::

    def read_shapes(files: tuple[Handed, ...], *, most: int) -> Iterator[Shape]:
        with h5py.File(files[0].file, "r") as file:
            ...
            yield Shape(name, shape)  # a dataclass of plain values and arrays (see explorer.ipc.pack)

the registry has the line ``"shapes": Reader("explorer.models.foreign.shapes:read_shapes", error=ModelError)``, and the
caller says ``read("shapes", [path], (Shape,), {"most": 100})``. In a job, `steps` gives None while nothing comes.
"""

from explorer.reader.client import close_all, guards, read, steps
from explorer.reader.handed import Handed
from explorer.reader.registry import READERS, Reader
from explorer.reader.sandbox import GUARDS

__all__ = ["GUARDS", "READERS", "Handed", "Reader", "close_all", "guards", "read", "steps"]
