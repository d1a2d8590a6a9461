"""An online store of Feast whose nearest documents come from a Tributary server.

Features are kept where Feast's SQLite store keeps them. What
`FeatureStore.retrieve_online_documents_v2` searches for, the server finds, with
its index and its filters; the features of what it found are then read from
SQLite. In feature_store.yaml:

    online_store:
      type: tributary.integrations.feast.TributarySqliteOnlineStore
      path: data/online_store.db
      address: localhost:7700
      space: taste

The entity's join key is the item's key. The bundle is built of the same vectors
(`tributary.write_bundle`); `feast materialize` fills SQLite alone.
"""
from __future__ import annotations

import threading
from typing import Any, Literal, Optional

from feast import FeatureView, RepoConfig, ValueType
from feast.infra.online_stores.sqlite import (SqliteOnlineStore,
                                              SqliteOnlineStoreConfig)
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

import tributary


class TributarySqliteOnlineStoreConfig(SqliteOnlineStoreConfig):
    """The section online_store of feature_store.yaml."""

    type: Literal[
        "tributary.integrations.feast.TributarySqliteOnlineStore"] = (
            "tributary.integrations.feast.TributarySqliteOnlineStore")
    #: The server's --listen.
    address: str
    #: The space that is searched; the retriever of that name is asked.
    space: str
    #: What items must be, as filters have it. Empty: anything.
    where: str = ""
    #: How long a call may take. Unit: seconds.
    deadline: float = 1.0
    #: As tributary.Connection has them.
    ca_file: str = ""
    token_file: str = ""


class TributarySqliteOnlineStore(SqliteOnlineStore):
    """Features in SQLite, nearest documents from a server."""

    _client: Optional[tributary.Client] = None
    _lock = threading.Lock()

    def _connected(self, config: TributarySqliteOnlineStoreConfig) -> tributary.Client:
        with self._lock:
            if self._client is None:
                self._client = tributary.Client(
                    config.address, deadline=config.deadline,
                    ca_file=config.ca_file, token_file=config.token_file)
            return self._client

    def retrieve_online_documents_v2(
            self, config: RepoConfig, table: FeatureView,
            requested_features: list[str], embedding: Optional[list[float]],
            top_k: int, distance_metric: Optional[str] = None,
            query_string: Optional[str] = None, filters: Any = None,
            include_feature_view_version_metadata: bool = False) -> list[Any]:
        """Returns the top_k items nearest to the embedding, with their features.
        `distance` is the score: greater is nearer. They are in the order of
        their keys; order them by `distance`.

        Raises:
          ValueError: there is no embedding, the view has several join keys, or
            the call asks for what only other stores do.
        """
        if embedding is None or query_string is not None:
            raise ValueError("query: expected an embedding alone; a server of "
                             "Tributary searches by vectors")
        if filters is not None:
            raise ValueError("filters: expected none; say `where` in "
                             "feature_store.yaml, in the server's own grammar")
        if len(table.join_keys) != 1:
            raise ValueError(f"{table.name}: {len(table.join_keys)} join keys, "
                             "expected one, the item's key")
        store = config.online_store
        reply = self._connected(store).retrieve(
            k=top_k, vectors={store.space: embedding}, where=store.where,
            quotas={store.space: top_k}, full=True)
        keys = [EntityKey(join_keys=table.join_keys,
                          entity_values=[_value(table, row.item)])
                for row in reply]
        rows = self.online_read(config, table, keys, requested_features)
        documents = []
        for candidate, key, (when, features) in zip(reply, keys, rows):
            if features is None:
                # The bundle knows an item that has not been materialised.
                continue
            features["distance"] = Value(
                float_val=candidate.proposals[0].score)
            documents.append((candidate.item, (when, key, features)))
        # Feast sorts keys, but not the features beside them: only in the order
        # of keys do both belong together.
        documents.sort(key=lambda document: document[0])
        return [document for _, document in documents]

    def teardown(self, config: RepoConfig, tables: Any, entities: Any) -> None:
        """Ends the connection, and removes the features."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None
        super().teardown(config, tables, entities)


def _value(table: FeatureView, key: Any) -> Value:
    """The key as the value of the join key's type."""
    kind = table.entity_columns[0].dtype.to_value_type()
    if kind == ValueType.INT64:
        return Value(int64_val=int(key))
    if kind == ValueType.INT32:
        return Value(int32_val=int(key))
    return Value(string_val=str(key))
