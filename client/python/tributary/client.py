"""A client whose calls block. `tributary.aio` has the asynchronous one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tributary import errors
from tributary.connection import Connection, deadlines
from tributary.reply import Entry, Explanation, Reply, entries_of
from tributary.request import Key, Request, split_keys
from tributary.v1 import (bundles_pb2, bundles_pb2_grpc, explain_pb2,
                          explain_pb2_grpc, retrieval_pb2 as pb,
                          retrieval_pb2_grpc)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from tributary.request import ListFields, RequestFields

# Explain searches exactly, which may take the server a minute.
EXPLAIN_DEADLINE = 60.0
#: What the server's limits.max_stream is by default.
REQUESTS_PER_CALL = 1000


class Client:
    """A connection to a server. It is opened by the first call, and opened
    again after it breaks. Threads may share a client, and one client for each
    process is enough.

        with tributary.Client("localhost:7700") as client:
            for candidate in client.retrieve("nginx", k=10):
                print(candidate.item, candidate.score)

    A call that fails raises the `CallError` of its code. Where a method takes
    `deadline`, in seconds, it replaces the client's own; `criticality` is
    "interactive" or "batch", which waits behind all others under overload.

    A process that forks must make its clients after the fork.
    """

    def __init__(self, address: str, *, control: str = "",
                 **options: Any) -> None:
        """Makes a client; it does not wait for the server.

        Args:
          address: of the server's --listen: host:port, or unix:PATH.
          control: of the server's --control, for `status`.
          **options: the other fields of `Connection`: deadline, max_attempts,
            initial_backoff, wait_for_ready, ca_file, certificate_file,
            private_key_file, server_name, token, token_file.

        Raises:
          ValueError: the address or an option is wrong.
        """
        self.connection = Connection(address, **options)
        self._channel = self.connection.open(grpc)
        self._retrieval = retrieval_pb2_grpc.RetrievalStub(self._channel)
        self._explanation = explain_pb2_grpc.ExplanationStub(self._channel)
        self._health = health_pb2_grpc.HealthStub(self._channel)
        self._control_connection = (
            replace(self.connection, address=control) if control else None)
        self._control_channel = (self._control_connection.open(grpc)
                                 if self._control_connection else None)

    def close(self) -> None:
        """Ends the connection; calls in progress are cancelled."""
        self._channel.close()
        if self._control_channel is not None:
            self._control_channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.connection.address!r})"

    def _call(self, method: Callable[..., Any], message: Any,
              deadline: float | None, criticality: str | None = None) -> Any:
        try:
            return method(message, timeout=deadline or self.connection.deadline,
                          metadata=self.connection.metadata(criticality))
        except grpc.RpcError as error:
            raise errors.from_rpc_error(
                error, self.connection.address) from None

    def retrieve(self, user: Key | None = None, *, deadline: float | None = None,
                 criticality: str | None = None,
                 **fields: Unpack[RequestFields]) -> Reply:
        """Returns at most k candidates for a user, best first.

        Args:
          user: the user's key; None for an anonymous user. A user that the
            bundle does not know is a cold start and no error.
          **fields: the fields of `Request`.
        """
        return self.send(Request(user, **fields), deadline=deadline,
                         criticality=criticality)

    def send(self, request: Request | pb.RetrieveRequest, *,
             deadline: float | None = None,
             criticality: str | None = None) -> Reply:
        """As `retrieve`, for a `Request` or a message."""
        return Reply(self._call(self._retrieval.Retrieve, as_message(request),
                                deadline, criticality))

    def pages(self, user: Key | None = None, *, page_size: int,
              deadline: float | None = None, criticality: str | None = None,
              **fields: Unpack[ListFields]) -> Iterator[Reply]:
        """Returns the list of k candidates in pages, which never repeat or skip
        an item.

        Raises:
          PageExpired: the list cannot be made again; begin anew.
        """
        request = Request(user, page_size=page_size, **fields)
        while True:
            reply = self.send(request, deadline=deadline,
                              criticality=criticality)
            yield reply
            if not reply.next_page_token:
                return
            request = replace(request, page_token=reply.next_page_token)

    def batch(self, requests: Iterable[Request | pb.RetrieveRequest], *,
              deadline: float | None = None,
              criticality: str | None = None) -> list[Entry]:
        """Answers up to the server's limits.max_batch requests (64) from one
        bundle: an entry for each request, in their order, with a reply or an
        error of its own."""
        message = as_batch(requests)
        return entries_of(self._call(self._retrieval.BatchRetrieve, message,
                                     deadline, criticality), 0)

    def stream(self, requests: Iterable[Request | pb.RetrieveRequest], *,
               requests_per_call: int = REQUESTS_PER_CALL,
               deadline: float | None = None,
               criticality: str | None = None) -> Iterator[Entry]:
        """Answers any number of requests from one bundle, in their order.

        Requests are sent `requests_per_call` at a time, which is at most the
        server's limits.max_stream, and read from `requests` as they are needed.
        Entries come as soon as the server has them. Calls after the first one
        name the version that answered it, unless a request names a version or a
        label. The deadline is that of each thousand requests.
        """
        if requests_per_call < 1:
            raise ValueError(f"requests_per_call: {requests_per_call}, expected "
                             "at least 1")
        rest = iter(requests)
        done = version = 0
        while part := list(itertools.islice(rest, requests_per_call)):
            message = as_batch(part, version)
            call = self._retrieval.StreamRetrieve(
                message, timeout=deadlines(
                    part, deadline or self.connection.deadline),
                metadata=self.connection.metadata(criticality))
            try:
                for reply in call:
                    version = version or reply.bundle_version
                    yield from entries_of(reply, done)
                    done += len(reply.entries)
            except grpc.RpcError as error:
                raise errors.from_rpc_error(
                    error, self.connection.address) from None
            finally:
                # A caller that stops early leaves no call behind.
                call.cancel()

    def explain(self, user: Key | None = None, *, items: Sequence[Key],
                deadline: float | None = None,
                **fields: Unpack[RequestFields]) -> list[Explanation]:
        """Says for each of `items` why it is among the candidates of the
        request, or why not. It takes up to a minute, and the server makes one
        at a time."""
        message = as_explain(Request(user, **fields), items)
        response = self._call(self._explanation.Explain, message,
                              deadline or EXPLAIN_DEADLINE)
        return [Explanation.of(item) for item in response.items]

    def ready(self, *, deadline: float | None = None) -> bool:
        """Returns whether the server serves a bundle.

        Raises:
          CallError: no server answers.
        """
        response = self._call(self._health.Check,
                              health_pb2.HealthCheckRequest(), deadline)
        return bool(response.status ==
                    health_pb2.HealthCheckResponse.ServingStatus.SERVING)

    def status(self, *, deadline: float | None = None
               ) -> bundles_pb2.ServerStatus:
        """Returns the state of the server: resident versions, labels, refusals,
        and what the loader reported last.

        Raises:
          ValueError: the client was made without `control`.
        """
        if self._control_channel is None:
            raise ValueError(
                "control: empty; Client(address, control=...) names the address "
                "of the server's --control, unix:<bundles>/control.sock by "
                "default")
        assert self._control_connection is not None
        stub = bundles_pb2_grpc.BundlesStub(self._control_channel)
        try:
            status: bundles_pb2.ServerStatus = stub.GetStatus(
                bundles_pb2.GetStatusRequest(),
                timeout=deadline or self.connection.deadline,
                metadata=self.connection.metadata(None))
        except grpc.RpcError as error:
            raise errors.from_rpc_error(
                error, self._control_connection.address) from None
        return status


def as_message(request: Request | pb.RetrieveRequest) -> pb.RetrieveRequest:
    """Returns the message of a request."""
    return request.to_proto() if isinstance(request, Request) else request


def as_batch(requests: Iterable[Request | pb.RetrieveRequest],
             version: int = 0) -> pb.BatchRetrieveRequest:
    """Returns the message of several requests, which name `version` unless one
    of them names a version or a label."""
    messages = list(map(as_message, requests))
    if version and not any(m.bundle_version or m.bundle_label for m in messages):
        for message in messages:
            message.bundle_version = version
    return pb.BatchRetrieveRequest(requests=messages)


def as_explain(request: Request,
               items: Sequence[Key]) -> explain_pb2.ExplainRequest:
    """Returns the message that asks for an explanation."""
    ids, keys = split_keys("items", items)
    return explain_pb2.ExplainRequest(request=request.to_proto(), item_ids=ids,
                                      item_keys=keys)
