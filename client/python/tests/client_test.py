"""The client against a real server."""
from __future__ import annotations

import pathlib
import pickle
import sys

import pytest

import tributary
from conftest import silent_server
from tributary.v1 import retrieval_pb2 as pb


def test_rows_have_keys_scores_and_sources(client: tributary.Client) -> None:
    reply = client.retrieve("u3", k=20, full=True)
    assert len(reply) == 20
    assert [row.item for row in reply] == list(reply.items)
    assert list(reply.scores) == sorted(reply.scores, reverse=True)
    # The hidden rule.
    assert all(int(str(item)[1:]) % 5 == 3 for item in reply.items[:5])
    first = reply[0]
    assert first.proposals[0].rank >= 1
    assert {proposal.source for row in reply for proposal in row.proposals} <= {
        source.name for source in reply.sources}
    assert reply.version == 1 and not reply.cold_start and not reply.degraded
    assert reply.service_level == "FULL_SERVICE"


def test_an_unknown_user_is_a_cold_start(client: tributary.Client) -> None:
    assert client.retrieve("nobody", k=3).cold_start
    assert client.retrieve(k=3).cold_start


def test_tables(client: tributary.Client) -> None:
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    reply = client.retrieve("u3", k=7, full=True)
    frame = reply.to_pandas()
    assert list(frame["item"]) == list(reply.items)
    assert list(frame["rank"]) == list(range(1, 8))
    assert frame["sources"][0] == [p.source for p in reply[0].proposals]
    by_source = f"{reply[0].proposals[0].source}_rank"
    assert frame[by_source][0] == reply[0].proposals[0].rank
    array = reply.to_numpy()
    assert array["score"].dtype == numpy.float32
    assert array["item"].tolist() == list(reply.items)
    table = reply.to_arrow()
    assert table.num_rows == 7 and table.column("item").to_pylist() == list(
        reply.items)
    # Without rows, types stay.
    empty = tributary.Reply(pb.RetrieveResponse())
    assert empty.to_arrow().num_rows == 0 and empty.to_pandas().empty


def test_a_missing_package_is_named(client: tributary.Client,
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(tributary.MissingExtra,
                       match=r"needs the package pandas: pip install "
                       r"'tributary\[pandas\]'"):
        client.retrieve("u3", k=1).to_pandas()


def test_what_a_request_can_say(client: tributary.Client) -> None:
    plain = client.retrieve("u3", k=30)
    where = client.retrieve("u3", k=30, where="price < 20 AND in_stock = true")
    assert where.passing_items == len(
        [i for i in range(0, 80, 2) if i % 7])
    assert all(int(str(item)[1:]) < 80 for item in where.items)
    capped = client.retrieve("u3", k=10, caps={"in_stock": 2})
    assert sum(int(str(item)[1:]) % 2 == 0 for item in capped.items) <= 2
    excluded = client.retrieve("u3", k=30, exclude=plain.items[:5])
    assert not set(plain.items[:5]) & set(excluded.items)
    boosted = client.retrieve("u3", k=30, full=True,
                              boosts={"in_stock = true": 1000.0})
    assert boosted[0].factor == 1000 and int(str(boosted[0].item)[1:]) % 2 == 0
    liked = client.retrieve(k=5, like={"v1": 2.0, "v6": 1.0}, unlike=["v2"])
    assert not {"v1", "v6", "v2"} & set(liked.items)
    assert all(int(str(item)[1:]) % 5 == 1 for item in liked.items[:3])
    recent = client.retrieve(k=5, recent=[("v4", 0.5), "v9"],
                             quotas={"item_item": 5})
    assert [source.name for source in recent.sources] == ["item_item"]
    source = client.retrieve(
        "u3", k=4, quotas={"behavior": tributary.Quota(2, min=1, max=2),
                           "popularity": 2}).sources
    assert {s.name: s.target for s in source} == {"behavior": 2, "popularity": 2}
    assert client.retrieve("u3", k=4, quotas={"behavior": 2, "popularity": 2},
                           fusion="rrf", weights={"behavior": 2.0}, k0=10.0,
                           diversity=tributary.Diversity("content", 0.7),
                           include_seen=True, version=1, segment="none",
                           profile="none").notices == ("SEGMENT_UNKNOWN",)
    relaxed = client.retrieve("u3", k=20, where='price < 1 AND genres : "all"',
                              when_short="relax", relax=["price"])
    assert relaxed.relaxed == ("price",)
    with pytest.raises(tributary.FilterShort, match="pass"):
        client.retrieve("u3", k=20, where="price < 1", when_short="fail")
    with pytest.raises(tributary.InvalidRequest, match="created"):
        client.retrieve("u3", decay=tributary.Decay("created", 7))
    vector = [1.0] + [0.0] * 15
    by_vector = client.retrieve(k=3, vectors={"content": vector})
    by_query = client.retrieve(k=3, queries=[
        tributary.SpaceQuery("content", vector)])
    assert by_vector.items == by_query.items


def test_requests_that_no_server_needs_to_see() -> None:
    request = tributary.Request
    with pytest.raises(TypeError, match="all int or all str"):
        request(like=[], exclude=[1, "a"]).to_proto()
    with pytest.raises(TypeError, match="a list of keys is expected"):
        request(exclude="abc").to_proto()
    with pytest.raises(TypeError, match="a key is an int or a str"):
        request(1.5).to_proto()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="-1, expected a key"):
        request(-1).to_proto()
    with pytest.raises(ValueError, match="when_short: 'maybe'"):
        request(when_short="maybe").to_proto()
    with pytest.raises(ValueError, match="fusion: 'best'"):
        request(fusion="best").to_proto()
    with pytest.raises(ValueError, match="expected one above 0"):
        request(like={"a": 0.0}).to_proto()
    # Integers, user features and their absence.
    message = request(7, like=[1], recent={2: 0.5}, user_features={
        "age": 30, "city": "Bonn", "tags": ["a", "b"], "none": None}).to_proto()
    assert message.user_id == 7 and message.like[0].item_id == 1
    assert list(message.recent_item_ids) == [2]
    assert list(message.recent_item_weights) == [0.5]
    assert message.user_features["age"].number == 30
    assert list(message.user_features["tags"].categories) == ["a", "b"]
    assert set(message.user_features) == {"age", "city", "tags", "none"}
    # A request without anything costs nothing.
    assert request().to_proto().ByteSize() == 0


def test_pages_make_the_whole_list(client: tributary.Client) -> None:
    whole = client.retrieve("u3", k=25).items
    pages = list(client.pages("u3", k=25, page_size=10))
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [item for page in pages for item in page.items] == whole


def test_batch_and_stream(client: tributary.Client) -> None:
    requests = [tributary.Request(f"u{i}", k=3) for i in range(40)]
    requests[7] = tributary.Request("u7", quotas={"nothing": 1})
    entries = client.batch(requests, criticality="interactive")
    assert [entry.index for entry in entries] == list(range(40))
    with pytest.raises(tributary.InvalidRequest, match="nothing"):
        entries[7].unwrap()
    single = client.retrieve("u9", k=3)
    assert entries[9].unwrap().items == single.items
    streamed = list(client.stream(iter(requests), requests_per_call=15))
    assert [entry.index for entry in streamed] == list(range(40))
    assert streamed[9].unwrap().items == single.items
    assert isinstance(streamed[7].error, tributary.InvalidRequest)
    # Stopping early ends the call.
    stream = client.stream(requests)
    assert next(iter(stream)).index == 0
    stream.close()  # type: ignore[attr-defined]
    with pytest.raises(tributary.InvalidRequest, match="limits.max_batch"):
        client.batch([tributary.Request()] * 65)
    assert client.batch([]) == []


def test_explain_status_and_health(client: tributary.Client) -> None:
    present, absent = client.explain(
        "u3", items=[client.retrieve("u3", k=5).items[0], "nope"], k=5)
    assert present.verdict == "IN_THE_LIST" and present.rank == 1
    assert absent.verdict == "NOT_IN_THE_CATALOGUE" and "nope" in str(absent)
    assert client.ready()
    assert client.status().active_version == 1
    with tributary.Client(client.connection.address) as other:
        with pytest.raises(ValueError, match="names the address"):
            other.status()


def test_errors_carry_what_the_server_says(client: tributary.Client) -> None:
    with pytest.raises(tributary.InvalidRequest) as caught:
        client.retrieve("u3", quotas={"a": 1, "b": 1})
    assert len(caught.value.field_violations) == 2
    assert "a" in caught.value.field_violations[0].field
    assert caught.value.retry_delay is None
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.field_violations == caught.value.field_violations
    with pytest.raises(tributary.NotFound, match="9"):
        client.retrieve("u3", version=9)
    with silent_server() as address, tributary.Client(address) as other:
        with pytest.raises(tributary.DeadlineExceeded):
            other.retrieve("u3", deadline=0.05)
    with pytest.raises(ValueError, match="criticality"):
        client.retrieve("u3", criticality="urgent")


def test_a_wrong_address_is_explained(client: tributary.ServedClient,
                                      tmp_path: pathlib.Path) -> None:
    for address, why in (("", "empty"), ("http://h:1/x", "is a URL"),
                         ("host", "has no port"), ("::1", r"\[::1\]:7700"),
                         ("h:x", '"x" for a port')):
        with pytest.raises(ValueError, match=why):
            tributary.Client(address)
    with tributary.Client(client.http, deadline=3, max_attempts=1,
                          wait_for_ready=False) as wrong:
        with pytest.raises(tributary.Unavailable, match=client.http):
            wrong.retrieve("u3")
    with tributary.Client(f"unix:{tmp_path}/none", wait_for_ready=False,
                          max_attempts=1) as nobody:
        with pytest.raises(tributary.Unavailable, match="none"):
            nobody.retrieve("u3")
    for options, why in (({"deadline": 0}, "deadline"),
                         ({"max_attempts": 6}, "max_attempts"),
                         ({"initial_backoff": 2}, "initial_backoff"),
                         ({"certificate_file": "a"}, "belong together"),
                         ({"server_name": "a"}, "ca_file"),
                         ({"token": "a", "token_file": "b"}, "one of the two"),
                         ({"ca_file": "/no/such"}, "ca_file: /no/such")):
        with pytest.raises(ValueError, match=why):
            tributary.Client("localhost:1", **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="without encryption"):
        tributary.Client("example.com:7700", token="secret")


def test_a_reply_that_does_not_fit_together_is_an_error() -> None:
    with pytest.raises(tributary.CallError, match="sources: 0 entries"):
        tributary.Reply(pb.RetrieveResponse(item_ids=[1], scores=[1.0]))
