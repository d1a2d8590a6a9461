"""VectorDBBench's own runners, on a small data set and a real server."""
from __future__ import annotations

import pathlib
import re
import subprocess
import time

import pytest

pytest.importorskip("vectordb_bench")
np = pytest.importorskip("numpy")

from vectordb_bench.backend.clients.api import EmptyDBCaseConfig  # noqa: E402
from vectordb_bench.backend.filter import NewIntFilter, non_filter  # noqa: E402
from vectordb_bench.backend.runner import (MultiProcessingSearchRunner,  # noqa: E402
                                           SerialInsertRunner,
                                           SerialSearchRunner)

from tributary import programs  # noqa: E402
from tributary.integrations.vectordbbench import (Tributary,  # noqa: E402
                                                  TributaryConfig)

COUNT, DIM, K = 4000, 32, 10


def test_load_recall_and_concurrent_search(tmp_path: pathlib.Path) -> None:
    bundles = tmp_path / "b"
    bundles.mkdir()
    log = tmp_path / "log"
    with open(log, "wb") as output:
        server = subprocess.Popen(
            [programs.find("tributary-server"), "--bundles", str(bundles),
             "--listen", "127.0.0.1:0", "--http", "off", "--admin", "off"],
            stdout=output, stderr=output)
    try:
        until = time.monotonic() + 30
        while "event=listening" not in log.read_text() and (
                time.monotonic() < until):
            time.sleep(0.05)
        address = re.search(r"grpc=(\S+)", log.read_text())
        assert address
        draw = np.random.default_rng(3)
        vectors = draw.standard_normal((COUNT, DIM)).astype("f4")
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        queries = vectors[:50] + draw.standard_normal((50, DIM)) / 20
        config = TributaryConfig(bundles=str(bundles), address=address[1])
        database = Tributary(DIM, config.to_dict(), EmptyDBCaseConfig(), "c",
                             drop_old=True)
        inserted = SerialInsertRunner(
            database, None, False, batch_size=1000).endless_insert_data(
                vectors.tolist(), list(range(COUNT)))
        assert inserted == COUNT
        database.optimize(COUNT)
        for filters, first in ((non_filter, 0),
                               (NewIntFilter(int_value=COUNT // 2,
                                             filter_rate=0.5), COUNT // 2)):
            truth = first + np.argsort(
                -(queries @ vectors[first:].T), axis=1)[:, :K]
            recall = SerialSearchRunner(
                database, queries.tolist(), truth.tolist(), k=K,
                filters=filters).run()[0][0]
            assert recall > 0.9
        figures = MultiProcessingSearchRunner(
            database, queries.tolist(), k=K, concurrencies=[2], duration=2).run()
        assert figures[0] > 0
    finally:
        server.terminate()
        server.wait(20)
