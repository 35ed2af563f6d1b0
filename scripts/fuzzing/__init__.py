"""The parts of ``scripts/fuzz.py``: mutations, the readers under test, and the processes that run them."""
