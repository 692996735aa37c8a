"""People's slash commands."""

from functools import partial

import pytest

from crewgate.demo.environment import ANA, CARL, CHANNEL
from crewgate.slack import stats
from tests.journeys.conftest import World
from tests.journeys.people import said
from tests.standins.workspace import Message, all_scopes, error, message_text


async def test_pending_is_what_waits_and_help_names_every_command(world: World) -> None:
    told = await world.ask(CARL, "help")
    assert all(f"/crew {word}" in told for word in ("help", "status", "pending"))
    assert await world.ask(CARL, "") == told
    assert "/crew help" in await world.ask(ANA, "dance now")

    await world.pause("one", "first", "e-1")
    await world.pause("two", "second", "e-2")
    card = await world.card("first")
    await world.card("second")

    told = await world.ask(ANA, "pending")

    assert "One" in told
    assert "Two" in told
    while f"/archives/{CHANNEL}/p{card.ts.replace('.', '')}" not in told:
        # Slack shows a card a moment before the bot has recorded where it is.
        told = await world.ask(ANA, "pending")
    assert "One" in await world.ask(ANA, "pending mine")
    assert "One" not in await world.ask(CARL, "pending mine")


async def test_status_shows_every_crew_and_refreshes_in_place(world: World) -> None:
    execution = world.crew.start_execution({"topic": "tea"})
    await world.card("Market research")

    assert "research answers in" in (await world.ask(ANA, "status")).replace("*", "")
    shown = world.slack.ephemerals(ANA)[-1]
    assert execution[:8] in message_text(shown)
    await world.crew.go_down()
    await world.slack.click(ANA, shown, "Refresh")
    await world.slack.until(
        lambda: "connection refused" in message_text(world.slack.ephemerals(ANA)[-1])
    )

    assert len(world.slack.ephemerals(ANA)) == 1
    await world.ask(ANA, f"status {execution[:8]}")
    await world.crew.come_back()
    await world.slack.click(ANA, world.slack.ephemerals(ANA)[-1], "Refresh")
    await world.slack.until(lambda: "0 of 3 tasks" in message_text(world.slack.ephemerals(ANA)[-1]))


async def told(world: World, shows: str, user: str = ANA) -> Message:
    """The latest that this person was told that shows this: a slow press is told of in between."""

    def found() -> list[Message]:
        return [one for one in world.slack.ephemerals(user) if shows in message_text(one)]

    return (await world.slack.until(found))[-1]


async def ask(world: World, words: str, shows: str, user: str = ANA) -> Message:
    await world.slack.slash(user, CHANNEL, "/crew", words)
    return await told(world, shows, user)


async def decided(world: World) -> None:
    await world.pause("one", "first", "e-1")
    await world.slack.click(ANA, await world.card("first"), "Approve")


async def test_stats_are_numbers_for_who_may_read_and_bad_words_are_explained(
    world: World,
) -> None:
    await decided(world)
    message = message_text(await ask(world, "stats", "The last 30 days")).replace("*", "")
    assert "1 decided: 1 approved, 0 sent back" in message
    assert "Approved at once 100 % of 1" in message
    await ask(world, "stats research 7d", "The last 7 days")
    await ask(world, "stats 90d", "The last 90 days", CARL)
    await ask(world, "stats nobody", "There is no crew called nobody")
    for words in ("stats 14d", "stats 7d 30d", "stats research other"):
        assert "knows the spans" in await world.ask(CARL, words)


async def test_stats_are_posted_to_the_channel_and_with_bars_where_charts_are_not_known(
    world: World,
) -> None:
    await decided(world)
    private = await ask(world, "stats research 7d", "The last 7 days")
    assert "data_visualization" in str(private.blocks)
    assert "You" in message_text(private)
    world.slack.world.unknown_blocks.add("data_visualization")

    await world.slack.click(ANA, private, "Post to channel")

    text = message_text(await said(world, "The last 7 days"))
    assert "Posted by" in text
    assert "▓▓▓▓▓▓▓▓▓▓ Approved 1 (0)" in text
    assert "You" not in text
    await ask(world, "stats", "▓▓▓▓▓▓▓▓▓▓ Approved 1 (0)")


async def test_the_csv_comes_in_private(world: World) -> None:
    await decided(world)
    answer = await ask(world, "stats research", "The last 30 days")
    world.slack.fail("files.getUploadURLExternal", error("file_upload_size_restricted"))
    await world.slack.click(ANA, answer, "CSV")
    await told(world, "did not take the file")
    world.slack.api.scopes = all_scopes() - {"files:write"}
    await world.slack.click(ANA, answer, "CSV")
    await told(world, "installed without `files:write`")
    world.slack.api.scopes = all_scopes()

    await world.slack.click(ANA, answer, "CSV")

    await told(world, "I have sent you the file")
    [file] = world.slack.files
    assert file.name == "crewgate-research-30d.csv"
    assert world.slack.world.channels[file.channel or ""].im_with == ANA
    assert b"research,e-1,one,1," in (file.content or b"")
    assert b",approve," in (file.content or b"")
    assert b"first" not in (file.content or b"")


async def test_a_csv_that_no_disk_takes_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await decided(world)
    answer = await ask(world, "stats research", "The last 30 days")
    monkeypatch.setattr(stats, "TemporaryFile", partial(open, "/dev/full", "r+b", buffering=0))
    await world.slack.click(ANA, answer, "CSV")
    await told(world, "The file could not be made")
    assert world.slack.files == []
