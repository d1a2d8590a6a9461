"""The DAG runs, by Airflow's own dag.test(), twice: the second build takes over
what the first one chose."""
from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("airflow")

from tributary import demo  # noqa: E402

DAG = pathlib.Path(__file__).resolve().parents[1] / "examples" / "airflow_dag.py"


def test_two_nights(tmp_path: pathlib.Path) -> None:
    (tmp_path / "data").mkdir()
    demo.write_shop(tmp_path / "data")
    config = tmp_path / "build.yaml"
    config.write_text("als: {dim: 16}\ncontent: {dim: 32}\n"
                      "behavior: {history: {dim: 16, epochs: 5, dropout: .5, "
                      "weight_decay: .01, decay: .5, cut_share: .5, "
                      "dropped_targets: true}}\n")
    environment = {
        **os.environ, "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAG.parent),
        "TRIBUTARY_DATA": f"csv:{tmp_path / 'data'}",
        "TRIBUTARY_BUNDLES": str(tmp_path / "built"),
        "TRIBUTARY_BUILD_CONFIG": str(config),
        "TRIBUTARY_STORE": str(tmp_path / "store")}
    (tmp_path / "built").mkdir()
    (tmp_path / "store").mkdir()
    migrated = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"], env=environment,
        capture_output=True, text=True, timeout=300)
    assert migrated.returncode == 0, migrated.stderr[-2000:]
    for night in (1, 2):
        # Airflow 3 finds a DAG by its bundle, so that it is registered first.
        subprocess.run([sys.executable, "-m", "airflow", "dags", "reserialize"],
                       env=environment, capture_output=True, timeout=300)
        done = subprocess.run([sys.executable, str(DAG)], env=environment,
                              capture_output=True, text=True, timeout=400)
        log = done.stdout + done.stderr
        assert done.returncode == 0, log[-3000:]
        current = tmp_path / "store" / "CURRENT"
        assert current.exists(), log[-3000:]
        assert current.read_text().strip() == str(night), log[-3000:]
    assert "like version 1" in log
