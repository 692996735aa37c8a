"""Whatever an agent writes: Slack accepts it, nobody is pinged, nothing is lost."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.demo.environment import ANA, BEN, CHANNEL
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.people import in_thread
from tests.standins.links import disguised_links, mentions
from tests.standins.workspace import SHARES_NOTHING, Workspace, buttons, message_text

PARAGRAPH = "The quick brown fox jumps over the lazy dog, again and again and again. " * 5 + "\n\n"
NASTY = """# Hello <!channel> and <!here> and <@U0ANA> and <!subteam^S1> and <#C1>

<https://evil.example|https://good.example> and [good.example](https://evil.example)

| a | b |
|---|---|
| `x` | &lt;b&gt; &amp; |

```python
print("<!everyone>")
```

שלום \u202eabc\u202c \U0001f469\u200d\U0001f469\u200d\U0001f467 \x00 end
"""


async def test_a_long_output_is_all_there_and_nobody_is_pinged(world: World) -> None:
    for length in (3_000, 3_001, 9_001, 500_000):
        execution = f"e-{length}"
        output = (PARAGRAPH * (length // len(PARAGRAPH) + 1))[: length - 4] + " END"

        assert await world.pause("draft", output, execution) == 202

        card = await world.card(execution)
        assert "quick brown fox" in message_text(card)
        assert ("% is shown" in message_text(card)) == (length > 3_000)
        assert any(label.startswith("Read all") for label in buttons(card)) == (length > 3_000)
        if length <= 9_000:
            assert not world.slack.files
            continue
        [file] = await world.slack.until(
            lambda: [one for one in world.slack.files if one.thread_ts == card.ts]  # noqa: B023
        )
        assert file.content == output.encode()
        assert len(world.slack.world.channels[CHANNEL].thread(card.ts)) == 2

    await world.pause("draft", NASTY, "e-nasty")

    card = await world.card("Hello")

    assert world.slack.pings(card) == {ANA, BEN}
    assert set(mentions(card.pieces)) == {f"@{ANA}", f"@{BEN}"}
    assert not disguised_links(card.pieces)
    shown = message_text(card)
    assert "evil.example" in shown
    assert "␀" in shown
    assert "שלום" in shown
    assert "&lt;b&gt;" in shown.replace("\u2060", "")


LONG = PARAGRAPH * 60
UPLOADED = "files.completeUploadExternal"


async def test_a_file_that_slack_does_not_show_is_uploaded_once_more(world: World) -> None:
    world.slack.fail(UPLOADED, SHARES_NOTHING)
    await world.pause("draft", LONG)
    card = await world.card("e-1")
    [file] = await world.slack.until(lambda: world.slack.files)

    assert (file.content, file.thread_ts) == (LONG.encode(), card.ts)
    assert len(world.slack.calls_of(UPLOADED)) == 2


async def test_a_file_that_slack_never_shows_is_said_to_be_missing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.slack.fail(UPLOADED, SHARES_NOTHING, times=None)
    await world.pause("draft", LONG)
    card = await world.card("e-1")
    await in_thread(world, card, "Slack does not take the whole output of round 1")

    assert len(world.slack.calls_of(UPLOADED)) == 2
    assert len(world.slack.world.channels[CHANNEL].thread(card.ts)) == 2
    assert "why=file_not_shared" in capsys.readouterr().out


async def test_a_file_is_looked_for_after_a_restart(make_world: MakeWorld) -> None:
    runtime = replace(AT_ONCE, share_grace=timedelta(seconds=0.3))
    async with Workspace() as slack:
        async with make_world(runtime, slack=slack) as world:
            slack.fail(UPLOADED, SHARES_NOTHING)
            await world.pause("draft", LONG)
            await slack.until(lambda: slack.calls_of(UPLOADED))
        assert not slack.files
        async with make_world(runtime, slack=slack):
            await slack.until(lambda: slack.files)
