"""`python -m tpmailserver.cli` is `tpmail`."""

from . import main

main()
