"""The card that `--send-test-card` posts: it can be pressed, and goes nowhere."""

from functools import partial

from crewgate.demo.environment import ANA, CARL, CHANNEL
from crewgate.demo.servers import free_port
from tests.check.conftest import Ask, Run
from tests.standins.crew import Crew
from tests.standins.workspace import Workspace, buttons, error, message_text


async def test_its_buttons_answer_that_it_was_a_test_and_nothing_reaches_the_crew(
    slack: Workspace, crew: Crew, ask: Ask, run: Run
) -> None:
    status, said = await ask(send_test_card=True)
    assert status == 0
    posted = "posted; press its buttons while the bot runs (crewgate serve)"
    assert f"✓ test card in {CHANNEL}: {posted}" in said
    [card] = slack.messages(CHANNEL)
    assert "No crew waits for this" in message_text(card)
    assert buttons(card) == ["Approve", "Revise", "Remove this card"]

    async with run(free_port()):
        arrived = "This was a test. Your press reached Crewgate, and nothing was decided."
        for user, button, may in (
            (ANA, "Approve", "Crews you may decide for: research."),
            (CARL, "Revise", "You may decide for no crew"),
        ):
            await slack.click(user, card, button)
            await slack.until(partial(slack.ephemerals, user))
            assert message_text(slack.ephemerals(user)[-1]).startswith(f"{arrived} {may}")

        await slack.click(CARL, card, "Remove this card")
        await slack.until(lambda: not slack.messages(CHANNEL))

    assert not crew.resumes


async def test_many_crews_are_not_all_listed(
    slack: Workspace, crew: Crew, ask: Ask, run: Run
) -> None:
    names = [f"crew-{number:02}" for number in range(13)]
    many = "".join(
        f'[crews.{name}]\nurl = "{crew.url}"\ntoken_env = "T"\nwebhook_secret_env = "S"\n'
        for name in names
    )
    await ask(send_test_card=True)
    [card] = slack.messages(CHANNEL)
    secrets = {"T": crew.token, "S": "a-secret-of-a-crew"}

    async with run(free_port(), crews_file=many, CREW_NAME="first", **secrets):
        await slack.click(ANA, card, "Approve")
        [answer] = await slack.until(lambda: slack.ephemerals(ANA))

    listed = f"{', '.join(names[:10])} and 4 more."
    assert message_text(answer).endswith(f"Crews you may decide for: {listed}")


async def test_what_slack_does_with_it_is_said(slack: Workspace, ask: Ask) -> None:
    slack.fail("chat.postMessage", error("is_archived"))
    _, said = await ask(send_test_card=True)
    advice = "is_archived: unarchive the channel or name another"
    assert f"✗ test card in {CHANNEL}: {advice}" in said

    await slack.go_down()
    _, said = await ask(send_test_card=True)
    assert f"– test card in {CHANNEL}: skipped, because Slack did not answer" in said


async def test_without_being_asked_it_posts_nothing(slack: Workspace, ask: Ask) -> None:
    await ask()
    assert slack.messages(CHANNEL) == []
