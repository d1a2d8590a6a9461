#!/usr/bin/env python3
"""Makes what the tests of the package run in.

  prepare.py DIRECTORY [EXTRA-REQUIREMENTS...]

DIRECTORY gets `venv`, an environment with requirements.txt (and with the extra
files), `stubs-venv`, which generates the stubs, and `lib`, the package with its
stubs. Environments are made once, and anew when requirements change. The exit
status is 77, and `unavailable` says why, where they cannot be made, as on a
machine without network.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE.parent
SKIPPED = 77


def make_environment(folder: pathlib.Path, requirements: list[pathlib.Path],
                     system: bool = False) -> str:
    """Makes an environment, and returns what is wrong, or nothing."""
    mark = folder / "requirements.sha256"
    content = b"".join(file.read_bytes() for file in requirements)
    wanted = hashlib.sha256(content + sys.version.encode()).hexdigest()
    if mark.exists() and mark.read_text() == wanted:
        return ""
    shutil.rmtree(folder, ignore_errors=True)
    flags = ["--system-site-packages"] if system else []
    made = subprocess.run([sys.executable, "-m", "venv", *flags, str(folder)],
                          capture_output=True, text=True)
    if made.returncode != 0:
        return f"python3 -m venv: {(made.stdout + made.stderr).strip()}"
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q",
               "--no-compile", "--disable-pip-version-check"]
    for file in requirements:
        install += ["-r", str(file)]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode != 0:
        return f"pip install: {done.stderr.strip()[-500:]}"
    mark.write_text(wanted)
    return ""


def main() -> int:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    reason = folder / "unavailable"
    reason.unlink(missing_ok=True)
    stubs = make_environment(folder / "stubs-venv",
                             [HERE / "stubs_requirements.txt"])
    wrong = stubs or make_environment(
        folder / "venv", [HERE / "requirements.txt",
                          *map(pathlib.Path, sys.argv[2:])])
    if wrong:
        reason.write_text(wrong)
        print(f"skipped: the tests of client/python need packages from PyPI: "
              f"{wrong}")
        return SKIPPED
    lib = folder / "lib" / "tributary"
    lib.mkdir(parents=True, exist_ok=True)
    # What was removed from the tree must not be found; the stubs stay.
    for old in lib.iterdir():
        if old.name != "v1":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.copytree(PACKAGE / "tributary", lib, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__", "v1", "bin"))
    return subprocess.run(
        [str(folder / "stubs-venv" / "bin" / "python"),
         str(PACKAGE / "generate_stubs.py"),
         str(PACKAGE.parents[1] / "proto"), str(lib)],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main())
