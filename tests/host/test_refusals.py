"""Crews and flows that cannot be served, with the real library: one process loads all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from crewgate.demo.hosted.crew import QUIET
from crewgate.demo.servers import free_port, inherited
from tests.host.real import PYTHON, needs_crewai
from tests.repo.files import ROOT

pytestmark = needs_crewai
SHOP = ROOT / "tests" / "host" / "crews" / "mcp_shop.py"
REFUSALS = {
    "shop": "no MODULE:NAME",
    "shop:": "no MODULE:NAME",
    "no_such_module:crew": "there is no module 'no_such_module'",
    "shop:nobody": "has no 'nobody'",
    "shop:nothing": "a value of type int, which is no crew and no flow",
    "shop:Price": "cannot be built: ValidationError",
    "raises:crew": "LookupError: no key for the model (raises.py, line 3)",
    "leaves:crew": "leaves cannot be imported: SystemExit: 0 (leaves.py, line 3)",
    "articles:UnkeptFlow": "takes no `persistence`",
    "articles:DroppingFlow": "takes no `persistence`",
    "articles:RememberingFlow": ": `pip install lancedb` in this environment",
    "shop:make": "two of them are called 'make'",
    "acting:foreign": "the agent 'Stranger' is not CrewAI's own, and uses tools where no hook is",
    "acting:acting": "--approve-tools: 'send_*' fits none of the tools, add_image_to_content, ask",
    "exacting:unanswered": "served",
    # CrewAI would call it up to three times.
    "exacting:buying_by_url purchase": (
        "'purchase' is a tool of an MCP server that is given as a URL alone, which CrewAI calls up"
        " to three times: give it as MCPServerHTTP(url=…)"
    ),
    "exacting:buying_by_url send_*": "'send_*' fits none of the tools",
}


async def test_what_cannot_be_served_is_said_in_a_sentence(tmp_path: Path) -> None:
    async with shop_by_url(tmp_path) as certificate:
        process = await asyncio.create_subprocess_exec(
            *(PYTHON, "-m", "tests.host.crews.refusals"),
            cwd=tmp_path,
            env={
                **inherited(),
                **QUIET,
                "HOME": str(tmp_path),
                "PYTHONPATH": f"{ROOT / 'bot'}:{ROOT}",
                "SSL_CERT_FILE": str(certificate),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    typos = [line for line in said.decode().splitlines() if "no_such_tool" in line]
    lines_said = [line for line in said.decode().splitlines() if " -> " in line]

    assert len(lines_said) == len(REFUSALS), said.decode()
    assert len(typos) == 1
    assert "send_*" in typos[0]
    for line, (spec, why) in zip(lines_said, REFUSALS.items(), strict=True):
        given, _, sentence = line.partition(" -> ")
        assert given.endswith(spec)
        assert why in sentence


@asynccontextmanager
async def shop_by_url(folder: Path) -> AsyncIterator[Path]:
    """Run the shop by HTTPS; write its address where the crew looks, and yield its certificate."""
    key, certificate = write_pair(folder)
    port = free_port()
    shop = await asyncio.create_subprocess_exec(
        *(PYTHON, SHOP, "--https", str(port), key, certificate),
        cwd=folder,
        env=inherited(),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert shop.stderr is not None
        while b"running" not in (line := await shop.stderr.readline()):
            assert line, "it did not start"
        (folder / "shop-url.txt").write_text(f"https://127.0.0.1:{port}/mcp")
        yield certificate
    finally:
        shop.kill()
        await shop.wait()


def write_pair(folder: Path) -> tuple[Path, Path]:
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
    return files
