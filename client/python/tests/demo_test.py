"""The demo, as a person runs it."""
from __future__ import annotations

import pathlib
import subprocess
import sys


def test_the_demo_shows_titles_and_recall(tmp_path: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tributary", "demo", "--out", str(tmp_path / "d")],
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "reader-1:" in done.stdout and "recall" in done.stdout
    shown = [line for line in done.stdout.splitlines() if "   1  The " in line]
    assert len(shown) == 1, done.stdout
    assert (tmp_path / "d" / "bundles" / "1" / "manifest.json").exists()
    again = subprocess.run(
        [sys.executable, "-m", "tributary", "demo", "--out", str(tmp_path / "d")],
        capture_output=True, text=True, timeout=120)
    assert again.returncode == 2 and "exists" in again.stderr


def test_other_commands_are_the_programs() -> None:
    done = subprocess.run([sys.executable, "-m", "tributary", "--version"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.strip()
    wrong = subprocess.run([sys.executable, "-m", "tributary", "nope"],
                           capture_output=True, text=True, timeout=60)
    assert wrong.returncode != 0
