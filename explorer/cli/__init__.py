"""The command line: one file a command in `commands`, the same engine as the window without one."""
