"""What goes wrong, as exceptions.

Everything that this package raises by itself is a `TributaryError`. A call that
a server answered with an error, or that no server answered, raises a `CallError`
of the class that belongs to its code. A program that failed raises a
`ProgramError` with the program's own message. A bad argument that no server has
to see is a plain `ValueError` or `TypeError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2


class TributaryError(Exception):
    """The base of all exceptions of this package."""


class MissingExtra(TributaryError, ImportError):
    """A package that this function needs is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package}: "
            f"pip install 'tributary[{extra}]'")
        self.package = package
        self.extra = extra


class TableError(TributaryError, ValueError):
    """A table that cannot be handed to the program; the message names it."""


class UnsupportedModule(TributaryError, TypeError):
    """A part of a network that a bundle's tower cannot hold."""


class ProgramError(TributaryError):
    """A program ended with an error.

    Attributes:
      command: the program and its arguments.
      exit_status: the program's exit status.
      output: what it wrote to standard error, whole.
    """

    def __init__(self, command: Sequence[str], exit_status: int, message: str,
                 output: str) -> None:
        super().__init__(message)
        self.command = list(command)
        self.exit_status = exit_status
        self.output = output


@dataclass(frozen=True)
class FieldViolation:
    """A field of a request that the server refuses."""

    #: The path of the field, such as "k" or "caps[0].attribute".
    field: str
    #: What is wrong with it, and what was expected.
    description: str


class CallError(TributaryError):
    """A call that failed.

    Attributes:
      code: the status code of gRPC.
      message: what the server says; it names the field of a bad request.
      field_violations: all fields that the server refuses.
      retry_delay: after how many seconds the server wants to be asked again;
        None if it does not say.
    """

    def __init__(self, code: grpc.StatusCode, message: str,
                 field_violations: Sequence[FieldViolation] = (),
                 retry_delay: float | None = None) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        self.field_violations = tuple(field_violations)
        self.retry_delay = retry_delay

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.message, self.field_violations,
                            self.retry_delay)


class InvalidRequest(CallError, ValueError):
    """INVALID_ARGUMENT: a field is malformed or out of range."""


class NotFound(CallError):
    """NOT_FOUND: the server has no such version or label."""


class FilterShort(CallError):
    """FAILED_PRECONDITION: fewer than k items pass, and when_short is "fail"."""


class PageExpired(CallError):
    """ABORTED: the list that a page continues cannot be made again."""


class Unavailable(CallError):
    """UNAVAILABLE: no server answers, or it has no bundle yet."""


class Overloaded(CallError):
    """RESOURCE_EXHAUSTED: more calls than the server can answer in time."""


class DeadlineExceeded(CallError, TimeoutError):
    """DEADLINE_EXCEEDED: the call took longer than its deadline."""


class Cancelled(CallError):
    """CANCELLED: somebody gave the call up."""


class Unauthenticated(CallError):
    """UNAUTHENTICATED: the server asks who calls, and does not know."""


class PermissionDenied(CallError):
    """PERMISSION_DENIED: the caller may not do this."""


class Unimplemented(CallError):
    """UNIMPLEMENTED: the server does not offer this."""


_CLASSES: Mapping[grpc.StatusCode, type[CallError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: FilterShort,
    grpc.StatusCode.ABORTED: PageExpired,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.UNIMPLEMENTED: Unimplemented,
}
_CODES: Mapping[int, grpc.StatusCode] = {
    code.value[0]: code for code in grpc.StatusCode}


def call_error(code: grpc.StatusCode, message: str,
               field_violations: Sequence[FieldViolation] = (),
               retry_delay: float | None = None) -> CallError:
    """Returns the exception of the class that belongs to `code`."""
    return _CLASSES.get(code, CallError)(
        code, message, field_violations, retry_delay)


def from_code(code: int, message: str) -> CallError:
    """As `call_error`, for the number of a code, as entries of batches have."""
    return call_error(_CODES.get(code, grpc.StatusCode.UNKNOWN), message)


def from_rpc_error(error: Any, address: str) -> CallError:
    """Converts an error of gRPC, of a blocking or an asynchronous call."""
    code = error.code()
    message = error.details() or ""
    violations: list[FieldViolation] = []
    retry_delay: float | None = None
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        status = status_pb2.Status()
        try:
            status.ParseFromString(value)
        except DecodeError:
            continue
        for detail in status.details:
            bad_request = error_details_pb2.BadRequest()
            retry_info = error_details_pb2.RetryInfo()
            if detail.Unpack(bad_request):
                violations += [FieldViolation(v.field, v.description)
                               for v in bad_request.field_violations]
            elif detail.Unpack(retry_info):
                delay = retry_info.retry_delay
                retry_delay = delay.seconds + delay.nanos / 1e9
    if code == grpc.StatusCode.UNAVAILABLE:
        message = f"{address}: {message}"
        if "http1.x server" in message:
            message += (": is this the server's --http address? Calls go to "
                        "the one of --listen, whose port is 7700 by default")
    return call_error(code, message, violations, retry_delay)
