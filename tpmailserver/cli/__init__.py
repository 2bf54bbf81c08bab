"""The `tpmail` command: a face of `admin`, carried to a running server by `control`."""

from .command import main

__all__ = ["main"]
