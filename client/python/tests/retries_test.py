"""Retries: calls go on while a server restarts, and wait as they are told."""
from __future__ import annotations

import json
import pathlib
import re
import signal
import subprocess
import threading
import time

import pytest

import tributary
from tributary import programs

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]


class Server:
    """A server that can be started again at the same address."""

    def __init__(self, folder: pathlib.Path, bundle: tributary.Bundle,
                 *flags: str) -> None:
        from tributary.serving import _link
        self.folder = folder
        (folder / "bundles").mkdir()
        _link(bundle.path, folder / "bundles" / bundle.path.name)
        self.flags = flags
        self.address = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = self.folder / "log"
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [programs.find("tributary-server"), "--bundles",
                 str(self.folder / "bundles"), "--listen",
                 self.address or "127.0.0.1:0", "--http", "off", "--admin", "off",
                 *self.flags], stdout=output, stderr=output)
        for _ in range(3000):
            text = log.read_text()
            if "event=listening" in text or self.process.poll() is not None:
                break
            time.sleep(0.02)
        found = re.search(r"grpc=(\S+)", log.read_text())
        if not found:
            self.process.kill()
        assert found, log.read_text()
        self.address = found[1]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(20)


def test_the_policy_is_the_published_one() -> None:
    published = json.loads(
        (REPOSITORY / "config" / "service_config.json").read_text())
    assert json.loads(
        tributary.Connection("localhost:1").service_config()) == published
    without = json.loads(tributary.Connection(
        "localhost:1", max_attempts=1).service_config())
    assert "retryThrottling" not in without


def test_no_call_fails_while_a_server_restarts(
        bundle: tributary.Bundle, tmp_path: pathlib.Path) -> None:
    server = Server(tmp_path, bundle)
    server.start()
    failed: list[tributary.CallError] = []
    calls = 0
    stopped = threading.Event()

    def call() -> None:
        nonlocal calls
        with tributary.Client(server.address, deadline=20) as client:
            while not stopped.is_set():
                try:
                    assert len(client.retrieve("u3", k=5)) == 5
                    calls += 1
                except tributary.CallError as error:
                    failed.append(error)

    threads = [threading.Thread(target=call) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for how in (signal.SIGTERM, signal.SIGKILL):
            time.sleep(0.2)
            before = calls
            server.stop(how)
            server.start()
            until = time.monotonic() + 20
            while calls < before + 20 and time.monotonic() < until:
                time.sleep(0.02)
            assert calls >= before + 20
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
        server.stop()
    assert not failed


def test_an_overloaded_server_says_when_to_come_back(
        bundle: tributary.Bundle, tmp_path: pathlib.Path) -> None:
    server = Server(tmp_path, bundle, "--limits.max_concurrent_requests", "1")
    server.start()
    errors: list[tributary.Overloaded] = []

    def call() -> None:
        with tributary.Client(server.address, deadline=20,
                              max_attempts=1) as client:
            until = time.monotonic() + 20
            while not errors and time.monotonic() < until:
                try:
                    client.batch([tributary.Request("u3", k=400)] * 60)
                except tributary.Overloaded as error:
                    errors.append(error)

    threads = [threading.Thread(target=call) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
    finally:
        for thread in threads:
            thread.join()
        server.stop()
    assert errors and errors[0].retry_delay is not None
    assert errors[0].retry_delay > 0


def test_a_server_without_a_bundle_is_unavailable(
        tmp_path: pathlib.Path) -> None:
    (tmp_path / "bundles").mkdir()
    log = tmp_path / "log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [programs.find("tributary-server"), "--bundles",
             str(tmp_path / "bundles"), "--listen", "127.0.0.1:0", "--http",
             "off", "--admin", "off"], stdout=output, stderr=output)
    try:
        until = time.monotonic() + 30
        while "event=listening" not in log.read_text() and (
                time.monotonic() < until):
            time.sleep(0.02)
        address = re.search(r"grpc=(\S+)", log.read_text())
        assert address
        with tributary.Client(address[1], max_attempts=1, deadline=5) as client:
            assert not client.ready()
            with pytest.raises(tributary.Unavailable) as caught:
                client.retrieve("u3")
            assert caught.value.retry_delay is not None
    finally:
        process.terminate()
        process.wait(20)
