"""The client for asyncio: `tributary.aio.Client`. Its calls are those of
`tributary.Client`, to be awaited."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import (TYPE_CHECKING, Any, AsyncIterator, Callable, Iterable,
                    Sequence)

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tributary import errors
from tributary.client import (EXPLAIN_DEADLINE, REQUESTS_PER_CALL, as_batch,
                              as_explain, as_message)
from tributary.connection import Connection, deadlines
from tributary.reply import Entry, Explanation, Reply, entries_of
from tributary.request import Key, Request
from tributary.v1 import (bundles_pb2, bundles_pb2_grpc, explain_pb2_grpc,
                          retrieval_pb2 as pb, retrieval_pb2_grpc)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from tributary.request import ListFields, RequestFields


class Client:
    """As `tributary.Client`, for one event loop.

        async with tributary.aio.Client("localhost:7700") as client:
            reply = await client.retrieve("nginx", k=10)
    """

    def __init__(self, address: str, *, control: str = "",
                 **options: Any) -> None:
        """Makes a client; the arguments are those of `tributary.Client`."""
        self.connection = Connection(address, **options)
        self._channel = self.connection.open(grpc.aio)
        self._retrieval = retrieval_pb2_grpc.RetrievalStub(self._channel)
        self._explanation = explain_pb2_grpc.ExplanationStub(self._channel)
        self._health = health_pb2_grpc.HealthStub(self._channel)
        self._control_connection = (
            replace(self.connection, address=control) if control else None)
        self._control_channel = (self._control_connection.open(grpc.aio)
                                 if self._control_connection else None)

    async def close(self) -> None:
        """Ends the connection; calls in progress are cancelled."""
        await self._channel.close()
        if self._control_channel is not None:
            await self._control_channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"aio.Client({self.connection.address!r})"

    async def _call(self, method: Callable[..., Any], message: Any,
                    deadline: float | None,
                    criticality: str | None = None) -> Any:
        try:
            return await method(
                message, timeout=deadline or self.connection.deadline,
                metadata=self.connection.metadata(criticality))
        except grpc.aio.AioRpcError as error:
            raise errors.from_rpc_error(
                error, self.connection.address) from None

    async def retrieve(self, user: Key | None = None, *,
                       deadline: float | None = None,
                       criticality: str | None = None,
                       **fields: Unpack[RequestFields]) -> Reply:
        """Returns at most k candidates for a user, best first."""
        return await self.send(Request(user, **fields), deadline=deadline,
                               criticality=criticality)

    async def send(self, request: Request | pb.RetrieveRequest, *,
                   deadline: float | None = None,
                   criticality: str | None = None) -> Reply:
        """As `retrieve`, for a `Request` or a message."""
        return Reply(await self._call(self._retrieval.Retrieve,
                                      as_message(request), deadline,
                                      criticality))

    async def pages(self, user: Key | None = None, *, page_size: int,
                    deadline: float | None = None,
                    criticality: str | None = None,
                    **fields: Unpack[ListFields]) -> AsyncIterator[Reply]:
        """Returns the list of k candidates in pages."""
        request = Request(user, page_size=page_size, **fields)
        while True:
            reply = await self.send(request, deadline=deadline,
                                    criticality=criticality)
            yield reply
            if not reply.next_page_token:
                return
            request = replace(request, page_token=reply.next_page_token)

    async def batch(self, requests: Iterable[Request | pb.RetrieveRequest], *,
                    deadline: float | None = None,
                    criticality: str | None = None) -> list[Entry]:
        """Answers several requests from one bundle."""
        return entries_of(
            await self._call(self._retrieval.BatchRetrieve, as_batch(requests),
                             deadline, criticality), 0)

    async def stream(self, requests: Iterable[Request | pb.RetrieveRequest], *,
                     requests_per_call: int = REQUESTS_PER_CALL,
                     deadline: float | None = None,
                     criticality: str | None = None) -> AsyncIterator[Entry]:
        """Answers any number of requests from one bundle, in their order."""
        if requests_per_call < 1:
            raise ValueError(f"requests_per_call: {requests_per_call}, expected "
                             "at least 1")
        rest = iter(requests)
        done = version = 0
        while part := list(islice(rest, requests_per_call)):
            call = self._retrieval.StreamRetrieve(
                as_batch(part, version), timeout=deadlines(
                    part, deadline or self.connection.deadline),
                metadata=self.connection.metadata(criticality))
            try:
                async for reply in call:
                    version = version or reply.bundle_version
                    for entry in entries_of(reply, done):
                        yield entry
                    done += len(reply.entries)
            except grpc.aio.AioRpcError as error:
                raise errors.from_rpc_error(
                    error, self.connection.address) from None
            finally:
                call.cancel()

    async def explain(self, user: Key | None = None, *, items: Sequence[Key],
                      deadline: float | None = None,
                      **fields: Unpack[RequestFields]) -> list[Explanation]:
        """Says for each of `items` why it is a candidate, or why not."""
        response = await self._call(
            self._explanation.Explain, as_explain(Request(user, **fields), items),
            deadline or EXPLAIN_DEADLINE)
        return [Explanation.of(item) for item in response.items]

    async def ready(self, *, deadline: float | None = None) -> bool:
        """Returns whether the server serves a bundle."""
        response = await self._call(self._health.Check,
                                    health_pb2.HealthCheckRequest(), deadline)
        return bool(response.status ==
                    health_pb2.HealthCheckResponse.ServingStatus.SERVING)

    async def status(self, *, deadline: float | None = None
                     ) -> bundles_pb2.ServerStatus:
        """Returns the state of the server; the client needs `control`."""
        if self._control_channel is None:
            raise ValueError("control: empty; Client(address, control=...) names "
                             "the address of the server's --control")
        assert self._control_connection is not None
        stub = bundles_pb2_grpc.BundlesStub(self._control_channel)
        try:
            status: bundles_pb2.ServerStatus = await stub.GetStatus(
                bundles_pb2.GetStatusRequest(),
                timeout=deadline or self.connection.deadline,
                metadata=self.connection.metadata(None))
        except grpc.aio.AioRpcError as error:
            raise errors.from_rpc_error(
                error, self._control_connection.address) from None
        return status
