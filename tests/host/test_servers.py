"""An MCP server that is silent at the start of a host, with the real library."""

from pathlib import Path

from tests.host.client import Listener
from tests.host.real import Real, host, needs_crewai
from tests.host.real_acts import Acting

pytestmark = needs_crewai


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
