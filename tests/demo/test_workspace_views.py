"""Modals and Home pages through the Web API, called with Slack's own client."""

from slack_sdk.web.async_client import AsyncWebClient

from tests.demo.builders import Clock, home, modal, refusal
from tests.standins.workspace import Workspace, message_text


async def test_a_trigger_opens_one_modal_for_three_seconds(
    slack: Workspace, client: AsyncWebClient, clock: Clock
) -> None:
    trigger = slack.world.new_trigger("U1")
    view = (await client.views_open(trigger_id=trigger, view=modal("First")))["view"]
    assert (
        await refusal(client.views_open(trigger_id="9.x", view=modal("x"))) == "invalid_trigger_id"
    )
    again = client.views_open(trigger_id=trigger, view=modal("x"))
    assert await refusal(again) == "exchanged_trigger_id"
    late = slack.world.new_trigger("U1")
    clock.seconds += 3.1
    assert (
        await refusal(client.views_open(trigger_id=late, view=modal("x"))) == "expired_trigger_id"
    )

    args = {"view_id": view["id"], "hash": view["hash"]}
    await client.views_update(view=modal("Second"), **args)
    assert await refusal(client.views_update(view=modal("x"), **args)) == "hash_conflict"
    assert await refusal(client.views_update(view=modal("x"), view_id="V9")) == "not_found"
    for _ in range(2):
        await client.views_push(trigger_id=slack.world.new_trigger("U1"), view=modal("More"))
    deep = client.views_push(trigger_id=slack.world.new_trigger("U1"), view=modal("x"))
    assert await refusal(deep) == "push_limit_reached"
    titles = [shown.content["title"]["text"] for shown in slack.open_modals("U1")]
    assert titles == ["Second", "More", "More"]


async def test_home_is_published_by_hash(slack: Workspace, client: AsyncWebClient) -> None:
    first = (await client.views_publish(user_id="U1", view=home("One")))["view"]
    await client.views_publish(user_id="U1", view=home("Two"), hash=first["hash"])
    old = client.views_publish(user_id="U1", view=home("x"), hash=first["hash"])
    assert await refusal(old) == "hash_conflict"
    assert message_text(slack.home("U1")) == "Two"
    assert await refusal(client.views_publish(user_id="U9", view=home("x"))) == "user_not_found"
    assert await refusal(client.views_publish(user_id="U1", view=modal("x"))) == "invalid_arguments"
