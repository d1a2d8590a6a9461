"""A server for a notebook or a test: `with tributary.serve(bundle) as client`."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
from typing import Any, Iterator, Mapping

from tributary import programs
from tributary.building import Bundle
from tributary.client import Client
from tributary.errors import ProgramError

_ADDRESSES = re.compile(r"event=listening grpc=(\S+)(?:.* http=(\S+))?")


class ServedClient(Client):
    """A client of a server that `serve` started."""

    def __init__(self, address: str, http: str, log: pathlib.Path, pid: int,
                 **options: Any) -> None:
        super().__init__(address, **options)
        #: The address of HTTP, host:port; /console is a page for a browser.
        self.http = http
        #: The server's log.
        self.log = log
        #: The server's process.
        self.pid = pid

    @property
    def address(self) -> str:
        """The address of gRPC, for other programs."""
        return self.connection.address


@contextlib.contextmanager
def serve(bundle: Bundle | str | os.PathLike[str], *, start_deadline: float = 60,
          client: Mapping[str, Any] | None = None,
          **settings: Any) -> Iterator[ServedClient]:
    """Starts a server of one bundle on free ports of this machine, and gives a
    client of it; both end with the block.

    Args:
      bundle: the bundle. The server writes nothing to its directory.
      start_deadline: how many seconds the server may take to start.
      client: options of the client, as for `Client`.
      **settings: any of the server's configuration, as mappings, such as
        limits={"max_k": 5000}.

    Raises:
      ProgramError: the server does not start; the message is its own.
    """
    source = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
    # The server keeps its state beside its versions. The path of its socket
    # must be short.
    with tempfile.TemporaryDirectory(prefix="tributary-") as folder:
        work = pathlib.Path(folder)
        bundles = work / "bundles"
        bundles.mkdir()
        _link(source.path, bundles / source.path.name)
        config = work / "server.yaml"
        config.write_text(json.dumps({
            "bundles": str(bundles), "listen": "127.0.0.1:0",
            "http": "127.0.0.1:0", "admin": "off", **settings}), "utf-8")
        log = work / "server.log"
        command = [programs.find("tributary-server"), "--config", str(config)]
        with open(log, "wb") as output:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                      stdout=output, stderr=output)
        try:
            grpc_address, http = _wait(server, log, command, start_deadline)
            options = {"deadline": 10.0, "control":
                       f"unix:{bundles / 'control.sock'}", **(client or {})}
            with ServedClient(grpc_address, http, log, server.pid,
                              **options) as made:
                yield made
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _link(source: pathlib.Path, target: pathlib.Path) -> None:
    """Makes a version of the same files; they are copied where they cannot be
    linked."""
    target.mkdir()
    for file in source.iterdir():
        try:
            os.link(file, target / file.name)
        except OSError:
            shutil.copyfile(file, target / file.name)


def _wait(server: subprocess.Popen[bytes], log: pathlib.Path,
          command: list[str], seconds: float) -> tuple[str, str]:
    until = time.monotonic() + seconds
    while True:
        text = log.read_text("utf-8", "replace")
        found = _ADDRESSES.search(text)
        if found and "event=activated" in text:
            return found[1], found[2] or ""
        status = server.poll()
        if status is not None or time.monotonic() > until:
            errors = [line for line in text.splitlines()
                      if "error" in line.lower()] or text.splitlines()[-5:]
            raise ProgramError(
                command, status if status is not None else 0,
                "the server did not start: " + "\n".join(errors), text)
        time.sleep(0.02)
