"""The notebook runs, on data that the package invents."""
from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("matplotlib")
EXAMPLES = pathlib.Path(__file__).resolve().parents[1] / "examples"


def test_the_notebook_runs(tmp_path: pathlib.Path) -> None:
    """MOVIELENS=DIR in the environment runs it on a data set of GroupLens."""
    notebook = nbformat.read(EXAMPLES / "own_data.ipynb", as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=300 if not os.environ.get("MOVIELENS") else 3600,
        kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code"
               for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    text = "".join(output.get("text", "") for output in outputs)
    assert "more like" in text and "recall of the fused list" in text


def test_the_notebook_is_made_of_its_cells() -> None:
    assert subprocess.run(
        [sys.executable, str(EXAMPLES / "make_notebook.py"), "--check"]
    ).returncode == 0
