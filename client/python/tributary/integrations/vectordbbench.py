"""Tributary as a database of VectorDBBench.

VectorDBBench inserts vectors, calls `optimize`, and then searches. A bundle is
written whole, so that inserting collects the vectors in files, and `optimize`
builds a version of them (where the index is chosen by measured recall), stages
it and activates it. The server runs beside it, on the same bundle directory:

    tributary-server --bundles DIR

`TributaryConfig(bundles="DIR")` says where. The filters of VectorDBBench on ids
and on labels are attributes of items.
"""
from __future__ import annotations

import os
import pathlib
import shutil
from contextlib import contextmanager
from typing import Any, Iterator

import numpy as np
from vectordb_bench.backend.clients.api import (DBCaseConfig, DBConfig,
                                                VectorDB)
from vectordb_bench.backend.filter import Filter, FilterOp
from vectordb_bench.backend.payload import PayloadProfile

import tributary
from tributary import programs

_SPACE = "vectors"


class TributaryConfig(DBConfig):
    """Where the server is."""

    #: The server's --bundles.
    bundles: str
    #: The server's --listen.
    address: str = "127.0.0.1:7700"
    #: The server's --control. Empty: the socket in `bundles`.
    control: str = ""
    #: "inner_product" or "cosine".
    metric: str = "cosine"
    #: The recall that the index must reach when it is built.
    target_recall: float = 0.95

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as VectorDBBench hands them on."""
        return self.model_dump()


class Tributary(VectorDB):
    """The server's vector search, and nothing else of it."""

    name = "Tributary"
    supported_filter_types = [FilterOp.NonFilter, FilterOp.NumGE,
                              FilterOp.StrEqual]

    def __init__(self, dim: int, db_config: dict[str, Any],
                 db_case_config: DBCaseConfig | None, collection_name: str = "",
                 drop_old: bool = False, **kwargs: Any) -> None:
        self.config = db_config
        self.work = pathlib.Path(db_config["bundles"]) / ".vectordbbench"
        self.where = ""
        self.client: tributary.Client | None = None
        if drop_old:
            shutil.rmtree(self.work, ignore_errors=True)

    @contextmanager
    def init(self) -> Iterator[None]:
        """Connects; each process has a connection of its own."""
        self.client = tributary.Client(self.config["address"], deadline=60)
        try:
            yield
        finally:
            self.client.close()
            self.client = None

    def insert_embeddings(self, embeddings: list[list[float]],
                          metadata: list[int],
                          labels_data: list[str] | None = None,
                          tenant_labels_data: list[str] | None = None,
                          **kwargs: Any) -> tuple[int, Exception | None]:
        """Keeps a part of the vectors for `optimize`."""
        self.work.mkdir(parents=True, exist_ok=True)
        part = {"ids": np.asarray(metadata, "<u8"),
                "vectors": np.asarray(embeddings, "<f4")}
        if labels_data is not None:
            part["labels"] = np.asarray(labels_data, "U")
        # Parts may come from several processes.
        name = f"part-{int(part['ids'][0]):020}-{os.getpid()}"
        np.savez(self.work / f"{name}.tmp.npz", **part)
        os.replace(self.work / f"{name}.tmp.npz", self.work / f"{name}.npz")
        return len(metadata), None

    def optimize(self, data_size: int | None = None) -> None:
        """Builds a version of all that was inserted, and activates it."""
        parts = [np.load(path) for path in sorted(self.work.glob("part-*.npz"))]
        ids = np.concatenate([part["ids"] for part in parts])
        attributes: dict[str, Any] = {"item": ids, "id": ids}
        if "labels" in parts[0]:
            attributes["label"] = np.concatenate(
                [part["labels"] for part in parts]).tolist()
        bundle = tributary.write_bundle(
            self.config["bundles"], items=ids,
            vectors={_SPACE: np.concatenate([part["vectors"] for part in parts])},
            attributes=attributes, metric=self.config["metric"], progress=None,
            index={"target_recall": self.config["target_recall"]},
            input={"attributes": {"id": "integer"}, "kinds": {"id": "ignore"}})
        control = self.config["control"] or (
            f"unix:{self.config['bundles']}/control.sock")
        # By the command line: a process that forks later must not have called.
        for command in ("stage", "activate"):
            programs.run(["tributary", "control", command, "--control", control,
                          str(bundle.version)])

    def prepare_filter(self, filters: Filter) -> None:
        """Takes the condition of the searches that follow."""
        if filters.type == FilterOp.NonFilter:
            self.where = ""
        elif filters.type == FilterOp.NumGE:
            self.where = f"id >= {filters.int_value}"  # type: ignore[attr-defined]
        else:
            self.where = f'label = "{filters.label_value}"'  # type: ignore[attr-defined]

    def search_embedding(self, query: list[float], k: int = 100,
                         payload_profile: PayloadProfile = PayloadProfile.IDS_ONLY,
                         tenant: str | None = None, **kwargs: Any) -> list[int]:
        """Returns the ids of the k best items."""
        assert self.client is not None
        reply = self.client.retrieve(k=k, vectors={_SPACE: query},
                                     quotas={_SPACE: k}, where=self.where)
        return list(reply.items)  # type: ignore[arg-type]
