"""The programs that the package brings: where they are, and how they are run."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Callable, Sequence

from tributary.errors import ProgramError, TributaryError

#: Is called with each line of a program's progress.
Progress = Callable[[str], None]

NAMES = ("tributary", "tributary-server", "tributary-loader")


def print_progress(line: str) -> None:
    """Prints a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


def find(name: str) -> str:
    """Returns the path of a program.

    It is looked for in the directory that the environment variable
    TRIBUTARY_PROGRAMS names, else beside this package, else on the PATH.

    Raises:
      TributaryError: it is nowhere; the message says what to do.
    """
    named = os.environ.get("TRIBUTARY_PROGRAMS")
    if named:
        program = pathlib.Path(named) / name
        if not os.access(program, os.X_OK):
            raise TributaryError(f"TRIBUTARY_PROGRAMS: {named} has no program "
                                 f"{name}")
        return str(program)
    bundled = pathlib.Path(__file__).parent / "bin" / name
    if os.access(bundled, os.X_OK):
        return str(bundled)
    for folder in os.get_exec_path():
        path = shutil.which(name, path=folder)
        # Not this package's own script of that name, which would call itself.
        if path is not None and _is_binary(path):
            return path
    raise TributaryError(
        f"the program {name} is missing: install the wheel for your platform, "
        "or set TRIBUTARY_PROGRAMS to the directory where `make build` put it "
        "(build/bin)")


def _is_binary(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def run(arguments: Sequence[str], progress: Progress | None = None,
        accept: Sequence[int] = (0,)) -> str:
    """Runs a program and returns what it wrote to standard output.

    Args:
      arguments: the program's name and its arguments.
      progress: is called with each line of standard error, as it comes.
      accept: the exit statuses that are no error.

    Raises:
      ProgramError: it ended with another status; the message is the program's
        own.
    """
    command = [find(arguments[0]), *arguments[1:]]
    lines: list[str] = []
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.PIPE, encoding="utf-8",
                              errors="replace") as process:
            assert process.stderr is not None
            try:
                for line in process.stderr:
                    lines.append(line)
                    if progress is not None:
                        progress(line.rstrip("\n"))
            except BaseException:
                # An interrupt, or an error of `progress`. The program removes
                # what it has begun to write.
                process.terminate()
                raise
        out.seek(0)
        written = out.read()
    if process.returncode not in accept:
        output = "".join(lines)
        raise ProgramError(command, process.returncode,
                           _message(output or written, process.returncode),
                           output)
    return written


def _message(output: str, status: int) -> str:
    """The error that a program printed last, with the lines that follow."""
    lines = output.strip().splitlines()
    for i in range(len(lines) - 1, -1, -1):
        if lines[i].startswith("error: "):
            return "\n".join(lines[i:]).removeprefix("error: ")
    if lines:
        return "\n".join(lines[-5:])
    return (f"the program was ended by signal {-status}" if status < 0
            else f"the program ended with status {status}, and no message")


def _execute(name: str) -> None:
    try:
        program = find(name)
    except TributaryError as error:
        sys.exit(f"error: {error}")
    os.execv(program, [name, *sys.argv[1:]])


def run_tributary() -> None:
    """The console script `tributary`: the program, and the command demo."""
    if sys.argv[1:2] == ["demo"]:
        from tributary import demo
        demo.main(sys.argv[2:])
    else:
        _execute("tributary")


def run_server() -> None:
    """The console script `tributary-server`."""
    _execute("tributary-server")


def run_loader() -> None:
    """The console script `tributary-loader`."""
    _execute("tributary-loader")
