"""Third-party Keras files, read as data without Keras: format, configuration, and a check for executable code.

A configuration is JSON from a zip or HDF5 file. The model process builds only what passed this check.
"""
