"""The fuzz that is led by coverage: see `__main__`."""
