"""A nightly build with Airflow: build, judge, gate and publish.

Copy this file into the folder of DAGs, and set the variables below in the
environment of the workers, which need the wheel `tributary` or the programs on
their PATH. Every task is one command line, so that a retry does the whole step
again; a version that the gate refuses ends the run before it is published.

  TRIBUTARY_DATA     what `tributary build --data` takes, such as csv:/data/shop
  TRIBUTARY_BUNDLES  where versions are built
  TRIBUTARY_STORE    where they are published: a directory, http(s):// or s3://
"""
from __future__ import annotations

import datetime
import os

try:
    from airflow.sdk import dag, task  # Airflow 3
except ImportError:
    from airflow.decorators import dag, task

DATA = os.environ.get("TRIBUTARY_DATA", "synthetic")
BUNDLES = os.environ.get("TRIBUTARY_BUNDLES", "/var/lib/tributary/built")
STORE = os.environ.get("TRIBUTARY_STORE", "/var/lib/tributary/store")
CONFIG = os.environ.get("TRIBUTARY_BUILD_CONFIG", "")


@dag(dag_id="tributary_nightly", schedule="0 3 * * *", catchup=False,
     start_date=datetime.datetime(2026, 1, 1),
     default_args={"retries": 1}, tags=["tributary"])
def nightly():
    @task
    def build() -> str:
        import json
        import pathlib

        from tributary import programs
        versions = sorted(int(path.name) for path in pathlib.Path(BUNDLES).glob(
            "*") if path.name.isdecimal())
        command = ["tributary", "build", "--data", DATA, "--out", BUNDLES, "--json"]
        if versions:
            # What yesterday's version chose is taken over.
            command += ["--like", f"{BUNDLES}/{versions[-1]}"]
        if CONFIG:
            command += ["--config", CONFIG]
        return json.loads(programs.run(command, print))["bundle"]

    @task
    def gate(bundle: str) -> str:
        import pathlib

        from tributary import programs
        current = pathlib.Path(STORE) / "CURRENT"
        old = [str(pathlib.Path(BUNDLES) / current.read_text().strip())] if (
            current.exists()) else []
        print(programs.run(["tributary", "gate", *old, bundle], print))
        return bundle

    @task
    def publish(bundle: str) -> None:
        from tributary import programs
        print(programs.run(["tributary", "publish", bundle, STORE], print))

    publish(gate(build()))


dag_object = nightly()

if __name__ == "__main__":
    dag_object.test()
