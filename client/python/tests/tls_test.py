"""Encryption and tokens, with a real server that encrypts."""
from __future__ import annotations

import contextlib
import datetime
import hashlib
import ipaddress
import pathlib
from typing import Any, Iterator

import pytest

import tributary

pytest.importorskip("cryptography")

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from cryptography.x509.oid import NameOID  # noqa: E402


class Authority:
    """Signs certificates; every file is in one directory."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])
        self.certificate = self._sign(self.name, self.key.public_key(), True, [])
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.certificate.public_bytes(
            serialization.Encoding.PEM))

    def _sign(self, name: x509.Name, key: Any, authority: bool,
              names: list[x509.GeneralName]) -> x509.Certificate:
        now = datetime.datetime.now(datetime.timezone.utc)
        made = (x509.CertificateBuilder().subject_name(name)
                .issuer_name(self.name).public_key(key)
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(hours=1))
                .not_valid_after(now + datetime.timedelta(days=1))
                .add_extension(x509.BasicConstraints(authority, None), True))
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), False)
        return made.sign(self.key, hashes.SHA256())

    def issue(self, name: str) -> tuple[pathlib.Path, pathlib.Path]:
        """Returns the files of a certificate and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        with contextlib.suppress(ValueError):
            names = [x509.IPAddress(ipaddress.ip_address(name))]
        certificate = self._sign(subject, key.public_key(), False, names)
        files = (self.folder / f"{name}.pem", self.folder / f"{name}.key")
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return files


@contextlib.contextmanager
def encrypted(bundle: tributary.Bundle, authority: Authority,
              name: str = "127.0.0.1", client_certificate: bool = False,
              token: str = "") -> Iterator[str]:
    """The address of a server that shows a certificate of `name`, and asks for
    one, or for the token."""
    certificate, key = authority.issue(name)
    settings: dict[str, Any] = {"tls": {
        "certificate_file": str(certificate), "private_key_file": str(key)}}
    if client_certificate:
        settings["tls"].update(client_ca_file=str(authority.file),
                               require_client_certificate=True)
    if token:
        tokens = authority.folder / "tokens"
        digest = hashlib.sha256(token.encode()).hexdigest()
        tokens.write_text(f"nightly {digest}\n")
        settings["access"] = {
            "tokens_file": str(tokens),
            "grants": [{"who": ["token:nightly"], "roles": ["retrieve"]}]}
    options = {"ca_file": str(authority.file)}
    with tributary.serve(bundle, client=options, **settings) as served:
        yield served.address


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def test_tls(bundle: tributary.Bundle, client: tributary.ServedClient,
             authority: Authority) -> None:
    expected = client.retrieve("u3", k=5).items
    ca = str(authority.file)
    with encrypted(bundle, authority) as address:
        with tributary.Client(address, ca_file=ca, deadline=10) as other:
            assert other.retrieve("u3", k=5).items == expected
        options: dict[str, Any] = {"deadline": 2, "max_attempts": 1,
                                   "wait_for_ready": False}
        with tributary.Client(address, ca_file="system", **options) as other:
            with pytest.raises(tributary.Unavailable):
                other.retrieve("u3")
        with tributary.Client(address, **options) as other:
            with pytest.raises(tributary.Unavailable):
                other.retrieve("u3")
    with encrypted(bundle, authority, name="retrieval.shop") as address:
        with tributary.Client(address, ca_file=ca, **options) as other:
            with pytest.raises(tributary.Unavailable):
                other.retrieve("u3")
        with tributary.Client(address, ca_file=ca, deadline=10,
                              server_name="retrieval.shop") as other:
            assert other.retrieve("u3", k=5).items == expected


def test_certificates_of_clients(bundle: tributary.Bundle,
                                 authority: Authority) -> None:
    certificate, key = authority.issue("ranker")
    ca = str(authority.file)
    with encrypted(bundle, authority, client_certificate=True) as address:
        with tributary.Client(address, ca_file=ca, deadline=10,
                              certificate_file=str(certificate),
                              private_key_file=str(key)) as other:
            assert len(other.retrieve("u3", k=5)) == 5
        with tributary.Client(address, ca_file=ca, deadline=2, max_attempts=1,
                              wait_for_ready=False) as other:
            with pytest.raises(tributary.Unavailable):
                other.retrieve("u3")


def test_tokens(bundle: tributary.Bundle, authority: Authority,
                tmp_path: pathlib.Path) -> None:
    ca = str(authority.file)
    file = tmp_path / "token"
    file.write_text("wrong\n")
    with encrypted(bundle, authority, token="right") as address:
        with tributary.Client(address, ca_file=ca, deadline=10,
                              token="right") as other:
            assert len(other.retrieve("u3", k=5)) == 5
        with tributary.Client(address, ca_file=ca, deadline=10,
                              token_file=str(file)) as other:
            with pytest.raises(tributary.Unauthenticated, match="token"):
                other.retrieve("u3", k=5)
            # The file is read for every call.
            file.write_text("right\nand more\n")
            assert len(other.retrieve("u3", k=5)) == 5
            file.write_text("\n")
            with pytest.raises(ValueError, match="empty first line"):
                other.retrieve("u3", k=5)
