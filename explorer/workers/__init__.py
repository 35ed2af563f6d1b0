"""Background work for the document: the codec thread, jobs, and the model process. Uses QtCore only."""
