"""Background work for the document: the render thread, jobs, and the model process. Uses QtCore only."""
