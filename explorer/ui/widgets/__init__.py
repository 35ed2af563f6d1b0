"""Parts that panels are made of; they know no document."""
