"""Feast's own feature store, with documents from a real server."""
from __future__ import annotations

import datetime
import pathlib

import pytest

pytest.importorskip("feast")
np = pytest.importorskip("numpy")

import pandas as pd  # noqa: E402
from feast import (Entity, FeatureStore, FeatureView, Field, FileSource,  # noqa: E402
                   ValueType)
from feast.types import Array, Float32, String  # noqa: E402

import tributary  # noqa: E402

COUNT, DIM = 200, 8


@pytest.mark.parametrize("text_keys", [True, False])
def test_documents_come_from_the_server(text_keys: bool,
                                        tmp_path: pathlib.Path) -> None:
    draw = np.random.default_rng(5)
    vectors = draw.standard_normal((COUNT, DIM)).astype("f4")
    keys = [f"v{i}" if text_keys else i for i in range(COUNT)]
    now = datetime.datetime.now(datetime.timezone.utc)
    pd.DataFrame({
        "item": keys, "title": [f"thing {i}" for i in range(COUNT)],
        "embedding": list(vectors), "event_timestamp": [now] * COUNT,
    }).to_parquet(tmp_path / "items.parquet")
    bundle = tributary.write_bundle(
        tmp_path / "bundles", items=keys, vectors={"taste": vectors},
        progress=None)
    with tributary.serve(bundle) as client:
        (tmp_path / "feature_store.yaml").write_text(f"""
project: shop
registry: {tmp_path}/registry.db
provider: local
entity_key_serialization_version: 3
online_store:
  type: tributary.integrations.feast.TributarySqliteOnlineStore
  path: {tmp_path}/online.db
  address: {client.address}
  space: taste
  deadline: 10
""")
        store = FeatureStore(repo_path=str(tmp_path))
        item = Entity(name="item", join_keys=["item"],
                      value_type=ValueType.STRING if text_keys
                      else ValueType.INT64)
        view = FeatureView(
            name="items", entities=[item], ttl=datetime.timedelta(days=1),
            schema=[Field(name="title", dtype=String),
                    Field(name="embedding", dtype=Array(Float32),
                          vector_index=True, vector_search_metric="dot")],
            source=FileSource(path=str(tmp_path / "items.parquet"),
                              timestamp_field="event_timestamp"))
        store.apply([item, view])
        store.materialize_incremental(now + datetime.timedelta(minutes=1))
        query = draw.standard_normal(DIM).astype("f4")
        found = store.retrieve_online_documents_v2(
            features=["items:title"], query=query.tolist(), top_k=10).to_dict()
        best = np.argsort(-(vectors @ query))[:10]
        rows = sorted(zip(found["distance"], found["item"], found["title"]),
                      reverse=True)
        assert [row[1] for row in rows] == [keys[i] for i in best]
        assert [row[2] for row in rows] == [f"thing {i}" for i in best]
        assert [row[0] for row in rows] == pytest.approx(
            (vectors @ query)[best].tolist(), abs=1e-4)
        # Ordinary features are those of SQLite.
        read = store.get_online_features(
            features=["items:title"], entity_rows=[{"item": keys[3]}]).to_dict()
        assert read["title"] == ["thing 3"]
        with pytest.raises(ValueError, match="searches by vectors"):
            store.retrieve_online_documents_v2(
                features=["items:title"], query_string="thing", top_k=3)
        store.teardown()
