"""The asynchronous client against a real server."""
from __future__ import annotations

import asyncio

import pytest

import tributary
from conftest import silent_server


def test_the_calls_are_those_of_the_blocking_client(
        client: tributary.ServedClient) -> None:
    async def run() -> None:
        async with tributary.aio.Client(
                client.address, deadline=10,
                control=client._control_connection.address) as other:  # type: ignore[union-attr]
            many = await asyncio.gather(*(
                other.retrieve(f"u{i}", k=5) for i in range(20)))
            assert many[3].items == client.retrieve("u3", k=5).items
            pages = [page async for page in other.pages("u3", k=5, page_size=2)]
            assert [len(page) for page in pages] == [2, 2, 1]
            requests = [tributary.Request(f"u{i}", k=2) for i in range(30)]
            entries = await other.batch(requests)
            streamed = [entry async for entry in other.stream(
                requests, requests_per_call=8)]
            assert [e.unwrap().items for e in entries] == [
                e.unwrap().items for e in streamed]
            assert [e.index for e in streamed] == list(range(30))
            explained = await other.explain("u3", items=["nope"], k=3)
            assert explained[0].verdict == "NOT_IN_THE_CATALOGUE"
            assert await other.ready()
            assert (await other.status()).active_version == 1
            with pytest.raises(tributary.InvalidRequest, match="no_such"):
                await other.retrieve("u3", quotas={"no_such": 1})
        with silent_server() as address:
            async with tributary.aio.Client(address) as nobody:
                with pytest.raises(tributary.DeadlineExceeded):
                    await nobody.retrieve("u3", deadline=0.05)
    asyncio.run(run())
