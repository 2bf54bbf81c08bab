"""One target under atheris, in a process of its own; what follows its name goes to libFuzzer.

Our modules are loaded while atheris watches, so that it sees which branches and comparisons an
input reaches.
"""

import sys
from contextlib import redirect_stderr
from io import StringIO

import atheris

# It names each module that it loads.
with redirect_stderr(StringIO()), atheris.instrument_imports(include=["tpmailserver"]):
    from .targets import TARGETS

if __name__ == "__main__":
    atheris.Setup(sys.argv, TARGETS[sys.argv.pop(1)])
    atheris.Fuzz()
