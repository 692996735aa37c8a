"""Whatever an agent writes: Slack accepts it, nobody is pinged, nothing is lost."""

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

    assert card.pings == {ANA, BEN}
    assert set(card.mentions) == {f"@{ANA}", f"@{BEN}"}
    assert not card.disguised_links
    shown = message_text(card)
    assert "evil.example" in shown
    assert "␀" in shown
    assert "שלום" in shown
    assert "&lt;b&gt;" in shown.replace("\u2060", "")
