#!/usr/bin/env python3
"""Runs tests of the package in the environment that prepare.py made.

  run.py DIRECTORY PROGRAMS TEST...

PROGRAMS is the directory of the programs. A TEST is a file beside this one, or
`types`, which has mypy check the package. The exit status is 77 where there is
no environment.
"""
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77


def main() -> int:
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    folder, programs = map(pathlib.Path, sys.argv[1:3])
    reason = folder / "unavailable"
    if reason.exists():
        print(f"skipped: {reason.read_text()}")
        return SKIPPED
    environment = {
        **os.environ, "TRIBUTARY_PROGRAMS": str(programs.resolve()),
        "PYTHONPATH": str((folder / "lib").resolve()),
        "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
    tests = sys.argv[3:]
    if tests == ["types"]:
        command = [str(folder / "venv" / "bin" / "python"), "-m", "mypy",
                   "--config-file", str(HERE.parent / "pyproject.toml"),
                   "--cache-dir", str(folder / "mypy"), "-p", "tributary"]
        environment["MYPYPATH"] = environment.pop("PYTHONPATH")
        return subprocess.run(command, env=environment, cwd=folder).returncode
    # Not `-m pytest`, which would import the package from the tree.
    return subprocess.run(
        [str(folder / "venv" / "bin" / "pytest"), "-c",
         str(HERE.parent / "pyproject.toml"), "--rootdir", str(HERE.parent),
         "-p", "no:cacheprovider", "--durations=3",
         *(str(HERE / test) for test in tests)],
        env=environment, cwd=folder).returncode


if __name__ == "__main__":
    sys.exit(main())
