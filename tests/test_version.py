"""One version, wherever somebody asks for it."""

import pytest

from crewgate import __version__
from crewgate.__main__ import main
from crewgate.network.client import open_client
from crewgate.slack.client.web_api import new_client


def test_the_command_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"crewgate {__version__}\n"


async def test_every_call_says_it() -> None:
    async with open_client() as http:
        assert http.headers["User-Agent"] == f"crewgate/{__version__}"
    slack = new_client(token="xoxb-1", base_url="https://slack.example.com/api/")
    assert slack.headers["User-Agent"].startswith(f"crewgate/{__version__} ")
