"""MCP servers at the start of a host, with the real library: silent ones, and those by URL."""

import asyncio
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from crewgate.demo.servers import DidNotStart, free_port, inherited
from tests.host.client import Listener
from tests.host.real import PYTHON, Real, host, needs_crewai
from tests.host.real_acts import Acting
from tests.repo.files import ROOT

pytestmark = needs_crewai
SHOP = ROOT / "tests" / "host" / "crews" / "mcp_shop.py"


async def test_people_approve_every_call_of_a_server_that_was_silent(
    tmp_path: Path, listener: Listener
) -> None:
    """At the start nobody knows if a pattern fits one of its tools."""
    (tmp_path / "silent").touch()
    targets = ("exacting:buying", "exacting:exacting")
    process = host(tmp_path, *targets, approve=("send_*",), listener=listener)
    real = Real(process, listener, tmp_path)
    async with process:
        assert "server_held" in process.log.read_text()
        (tmp_path / "silent").unlink()
        other = await Acting(real, "exacting").begin(["plain_out", {"to": "of-no-server"}])
        held = await Acting(real, "buying").begin(["purchase", {"item": "of-a-silent-one"}])
        asked = await held.asked()
        before = real.lines("got.txt")
        await held.decide(asked)
        outcome = await held.outcome(asked)
        await other.result()

    assert all("of-a-silent-one" not in line for line in before)
    assert outcome == {"state": "ran", "words": "Bought of-a-silent-one."}
    assert other.all_asked == []


async def test_a_server_by_url_alone_cannot_be_approved(tmp_path: Path, listener: Listener) -> None:
    """CrewAI would call it up to three times."""
    key, certificate = pair(tmp_path)
    port = free_port()
    shop = await asyncio.create_subprocess_exec(
        *(str(PYTHON), str(SHOP), "--https", str(port), key, certificate),
        cwd=tmp_path,
        env=inherited(),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert shop.stderr is not None
        while b"running" not in (line := await shop.stderr.readline()):
            assert line, "it did not start"
        (tmp_path / "shop-url.txt").write_text(f"https://127.0.0.1:{port}/mcp")
        errors = {}
        for pattern in ("purchase", "send_*"):
            process = host(
                tmp_path, "exacting:buying_by_url", approve=(pattern,), listener=listener
            )
            process.environment["SSL_CERT_FILE"] = certificate
            try:
                with pytest.raises(DidNotStart) as error:
                    await process.start()
            finally:
                await process.stop()
            errors[pattern] = str(error.value)
    finally:
        shop.kill()
        await shop.wait()

    assert (
        "'purchase' is a tool of an MCP server that is given as a URL alone" in errors["purchase"]
    )
    assert "give it as MCPServerHTTP(url=…)" in errors["purchase"]
    assert "'send_*' fits none of the tools" in errors["send_*"]


def pair(folder: Path) -> tuple[str, str]:
    """Write a key and a certificate for 127.0.0.1 that is its own authority; return both files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2126, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files = folder / "key.pem", folder / "certificate.pem"
    files[0].write_bytes(key.private_bytes(pem, *private))
    files[1].write_bytes(certificate.public_bytes(pem))
    return str(files[0]), str(files[1])
