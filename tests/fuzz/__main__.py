"""A fuzz that is led by coverage: `python -m tests.fuzz [--seconds N] [TARGET ...]`.

Each target gets its time under atheris, from the transcripts on. What breaks a promise is shown and
stays in `.fuzz/`; the conversation becomes a transcript in `tests/transcripts/`, other finds a test
beside the code. Inputs that reached code which no transcript reaches are kept: with `--keep` the
smallest set of them goes to `tests/fuzz/kept/`, which every run of the tests plays again.
"""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from .keeping import worth_keeping
from .seeds import keep, said_by_transcripts, seeds_of, spoken
from .targets import TARGETS

WORK = Path(".fuzz")
_LONGEST = 1024
_KEPT_AT_MOST = 256


def main() -> int:
    """The exit status: 1 where a target has failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", default=list(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--keep", action="store_true", help="keep what reached more")
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris is missing, or has no release for this Python: pip install atheris")
        return 2
    failed = [each for each in options.targets if not _holds(each, options.seconds)]
    if options.keep:
        for each in options.targets:
            _keep(each)
    for each in failed:
        print(f"FAILED {each}: see {WORK}/{each}-*")
    return 1 if failed else 0


def _holds(target: str, seconds: int) -> bool:
    print(f"--- {target}: {seconds} s", flush=True)
    corpus = _folder(target, seeds_of(target))
    words = WORK / "words"
    words.write_text("".join(f'"{_escaped(each)}"\n' for each in spoken()), "ascii")
    return not _run(
        target,
        f"-dict={words}",
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST}",
        f"-artifact_prefix={WORK}/{target}-",
        "-timeout=10",
        "-verbosity=0",
        str(corpus),
    )


def _keep(target: str) -> None:
    found = [each.read_bytes() for each in (WORK / target).iterdir()]
    short = [each for each in found if len(each) <= _KEPT_AT_MOST]
    keep(target, worth_keeping(TARGETS[target], said_by_transcripts(target), short))


def _escaped(octets: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in octets)


def _folder(name: str, inputs: Iterable[bytes]) -> Path:
    folder = WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    for octets in inputs:
        (folder / sha256(octets).hexdigest()[:40]).write_bytes(octets)
    return folder


def _run(target: str, *arguments: str) -> int:
    command = [sys.executable, "-m", "tests.fuzz.instrumented", target, *arguments]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
