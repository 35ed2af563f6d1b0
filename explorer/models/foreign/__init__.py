"""Models that others wrote, read as data: what a file is, what it holds, and whether loading it would run anything.

Nothing here knows Keras. A configuration is JSON out of a zip or an HDF5 file; the model process, which builds it, is
given only what passed here.
"""
