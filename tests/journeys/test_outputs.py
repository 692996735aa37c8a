"""Whatever an agent writes: Slack accepts it, nobody is pinged, nothing is lost."""

import json

import pytest

from crewgate.demo.environment import ANA, BEN, CHANNEL
from crewgate.demo.workspace import buttons, message_text
from tests.journeys.conftest import World

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


async def test_an_empty_output_is_said_plainly(world: World) -> None:
    await world.pause("draft", "")

    card = await world.card("empty")

    assert buttons(card)[:2] == ["Approve", "Revise"]


@pytest.mark.parametrize("length", [3_000, 3_001, 9_001, 500_000])
async def test_a_long_output_is_all_there(world: World, length: int) -> None:
    output = (PARAGRAPH * (length // len(PARAGRAPH) + 1))[: length - 4] + " END"

    assert await world.pause("draft", output) == 202

    card = await world.card("quick brown fox")
    assert ("% shown" in message_text(card)) == (length > 3_000)
    assert any(label.startswith("Read all") for label in buttons(card)) == (length > 3_000)
    if length <= 9_000:
        assert not world.slack.files
        return
    [file] = await world.slack.until(lambda: world.slack.files)
    assert file.content == output.encode()
    assert file.thread_ts == card.ts
    assert len(world.slack.messages(CHANNEL)) == 2


async def test_nobody_is_pinged_and_no_link_is_disguised(world: World) -> None:
    await world.pause("draft", NASTY)

    card = await world.card("Hello")

    assert card.pings == {ANA, BEN}
    assert set(card.mentions) == {f"@{ANA}", f"@{BEN}"}
    assert not card.disguised_links
    shown = message_text(card)
    assert "evil.example" in shown
    assert "␀" in shown
    assert "שלום" in shown
    assert "&lt;b&gt;" in shown.replace("\u2060", "")


async def test_a_code_fence_that_is_too_long_is_closed(world: World) -> None:
    output = "Before.\n\n```python\n" + "print('x')\n" * 3_000 + "```\n\nAfter."

    await world.pause("draft", output)

    card = await world.card("Before.")
    [markdown] = [block["text"] for block in card.blocks if block["type"] == "markdown"]
    assert markdown.count("```") % 2 == 0
    [file] = await world.slack.until(lambda: world.slack.files)
    assert file.content == output.encode()


async def test_a_json_output_is_shown_as_people_read_it(world: World) -> None:
    output = {"recommendation": "proceed", "score": 0.85, "list": [1, 2]}

    await world.pause("draft", output)

    card = await world.card("recommendation")
    assert json.dumps(output, indent=2) in message_text(card)


async def test_the_same_output_after_changes_were_asked_for_is_said_loudly(world: World) -> None:
    await world.pause("draft", "the same words")
    card = await world.card("the same words")
    await world.slack.click(ANA, card, "Revise")
    await world.slack.until(lambda: world.slack.open_modals(ANA))
    await world.slack.submit(ANA, {"feedback": "Other words."})
    await world.delivered(card)

    await world.pause("draft", "the same words")

    second = await world.card("the same words", round_=2)
    assert "Nothing changed" in message_text(second)
