"""The command line: one module per command in `commands`, on the same engine as the window."""
