"""How a server is reached: channels, retries, encryption and tokens.

What is here is shared by the blocking and the asynchronous client.
"""

from __future__ import annotations

import json
import pathlib
import re
from dataclasses import dataclass
from typing import Any, Sequence

import grpc

# gRPC's own limit.
_MAX_ATTEMPTS = 5
# Holds the reply to the largest batch of the longest lists.
_MAX_REPLY_BYTES = 64 << 20
# gRPC's default first pause, 1 s, is longer than a server takes to restart.
_INITIAL_RECONNECT_MS = 100
_MAX_RECONNECT_MS = 1000
_SCHEME = re.compile(r"^(unix|unix-abstract|dns|ipv4|ipv6|xds|vsock):")
CRITICALITY = "x-tributary-criticality"

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Connection:
    """A server's address, and how calls to it are made.

    The defaults are the published retry policy (config/service_config.json):
    with them, and with a deadline longer than a server takes to restart, no
    call fails because a server restarts. A server that refuses a call under
    overload says when to try again, and retries wait for that long; they stop
    while more than a tenth of the calls fail.
    """

    #: host:port, or unix:PATH.
    address: str
    #: Limits a whole call, with all attempts and pauses. Unit: seconds.
    deadline: float = 1.0
    #: Attempts per call, 1 (no retry) to 5.
    max_attempts: int = 4
    #: Upper bound of the pause before the first retry, .001 to 1. It doubles
    #: with every retry, up to a second. Unit: seconds.
    initial_backoff: float = 0.01
    #: Whether calls wait, within their deadline, for a server that cannot be
    #: reached yet.
    wait_for_ready: bool = True
    #: The authorities that sign the server's certificate (PEM), or "system":
    #: those that gRPC ships. Empty: the connection is not encrypted.
    ca_file: str = ""
    #: The caller's certificate, and after it those up to the root (PEM).
    certificate_file: str = ""
    #: The private key of the certificate (PEM).
    private_key_file: str = ""
    #: The name that the server's certificate must have. Empty: the host.
    server_name: str = ""
    #: A bearer token. It travels over an encrypted connection, or within this
    #: machine.
    token: str = ""
    #: A file whose first line is a bearer token, read for every call.
    token_file: str = ""

    def __post_init__(self) -> None:
        check_address("address", self.address)
        if not self.deadline > 0:
            raise ValueError(f"deadline: {self.deadline}, expected a number of "
                             "seconds above 0")
        if not 1 <= self.max_attempts <= _MAX_ATTEMPTS:
            raise ValueError(f"max_attempts: {self.max_attempts}, expected 1 to "
                             f"{_MAX_ATTEMPTS}")
        if not 0.001 <= self.initial_backoff <= 1:
            raise ValueError(f"initial_backoff: {self.initial_backoff}, expected "
                             "0.001 to 1 seconds")
        if bool(self.certificate_file) != bool(self.private_key_file):
            raise ValueError("certificate_file and private_key_file belong "
                             "together: give both or neither")
        if (self.certificate_file or self.server_name) and not self.ca_file:
            raise ValueError("ca_file: empty, but a certificate or a server's "
                             "name needs an encrypted connection: give a file, "
                             'or "system"')
        if self.token and self.token_file:
            raise ValueError("token and token_file: give one of the two")
        if (self.token or self.token_file) and not self.ca_file and (
                not is_loopback(self.address)):
            raise ValueError(f"token: it would travel to {self.address} without "
                             "encryption: give ca_file")

    def service_config(self) -> str:
        """Returns the retry policy as a service config of gRPC, in JSON."""
        method: dict[str, Any] = {
            "name": [{"service": "tributary.v1.Retrieval"}],
            "waitForReady": self.wait_for_ready}
        config: dict[str, Any] = {"methodConfig": [method]}
        if self.max_attempts > 1:
            method["retryPolicy"] = {
                "maxAttempts": self.max_attempts,
                "initialBackoff": f"{self.initial_backoff:.3f}s",
                "maxBackoff": "1.000s",
                "backoffMultiplier": 2,
                # A server that shuts down ends with CANCELLED the calls that
                # it has not started.
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED",
                                         "CANCELLED"]}
            config["retryThrottling"] = {"maxTokens": 1000, "tokenRatio": 0.1}
        return json.dumps(config)

    def _options(self) -> list[tuple[str, Any]]:
        options: list[tuple[str, Any]] = [
            ("grpc.service_config", self.service_config()),
            ("grpc.service_config_disable_resolution", 1),
            ("grpc.max_receive_message_length", _MAX_REPLY_BYTES),
            ("grpc.initial_reconnect_backoff_ms", _INITIAL_RECONNECT_MS),
            ("grpc.max_reconnect_backoff_ms", _MAX_RECONNECT_MS)]
        if is_loopback(self.address):
            options.append(("grpc.enable_http_proxy", 0))
        if self.server_name:
            options.append(
                ("grpc.ssl_target_name_override", self.server_name))
        return options

    def open(self, library: Any) -> Any:
        """Opens a channel by `library`, which is grpc or grpc.aio."""
        # The server never encrypts a unix socket.
        if not self.ca_file or self.address.startswith("unix"):
            return library.insecure_channel(self.address, self._options())
        credentials = grpc.ssl_channel_credentials(
            None if self.ca_file == "system" else _read("ca_file", self.ca_file),
            _read("private_key_file", self.private_key_file),
            _read("certificate_file", self.certificate_file))
        return library.secure_channel(self.address, credentials, self._options())

    def metadata(self, criticality: str | None) -> Metadata:
        """Returns what goes with every call.

        Raises:
          ValueError: the criticality is neither "interactive" nor "batch".
          OSError: token_file cannot be read.
        """
        metadata: list[tuple[str, str]] = []
        if criticality is not None:
            if criticality not in ("interactive", "batch"):
                raise ValueError(f"criticality: {criticality!r}, expected "
                                 "interactive or batch")
            metadata.append((CRITICALITY, criticality))
        token = self.token
        if self.token_file:
            with open(self.token_file, encoding="utf-8") as file:
                token = file.readline().strip()
            if not token:
                raise ValueError(
                    f"token_file: {self.token_file} has an empty first line")
        if token:
            metadata.append(("authorization", f"Bearer {token}"))
        return tuple(metadata)


def check_address(field: str, address: str) -> None:
    """Checks that an address is host:port or has a scheme of gRPC.

    Raises:
      ValueError: it says what is wrong and what was expected.
    """
    if not address:
        raise ValueError(f"{field}: empty, expected host:port, such as "
                         "localhost:7700")
    if "://" in address:
        rest = address.split("://", 1)[1].split("/")[0]
        raise ValueError(f'{field}: "{address}" is a URL, expected host:port, '
                         f"{rest or 'such as localhost:7700'}")
    if _SCHEME.match(address):
        return
    host, colon, port = address.rpartition(":")
    if not colon or not host or (":" in host and not host.endswith("]")):
        shown = f"[{address}]" if ":" in address else address
        raise ValueError(f'{field}: "{address}" has no port, expected '
                         f"host:port, such as {shown}:7700")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f'{field}: "{address}" has "{port}" for a port, '
                         "expected host:port, with a port from 1 to 65535")


def is_loopback(address: str) -> bool:
    """Whether calls to this address stay on this machine."""
    if address.startswith("unix"):
        return True
    host = re.sub(r"^(dns|ipv4|ipv6):", "", address).rsplit("/", 1)[-1]
    host = host.rpartition(":")[0].strip("[]") or host
    return host == "localhost" or host.endswith(".localhost") or (
        host.startswith("127.")) or host == "::1"


def _read(field: str, path: str) -> bytes | None:
    if not path:
        return None
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{field}: {path}: {error.strerror}") from error


def deadlines(requests: Sequence[Any], deadline: float) -> float:
    """The deadline of a stream, which is that of each thousand requests."""
    return (1 + len(requests) // 1000) * deadline
