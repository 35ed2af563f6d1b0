"""QtCore only: the codec thread, job threads, and the supervisor of the model process."""
