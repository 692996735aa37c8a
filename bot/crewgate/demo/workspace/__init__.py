"""A stand-in Slack workspace: a real HTTP server with Slack's API and error codes.

It answers the Web API, and sends the bot over signed HTTP what people do:

    async with empty_workspace(time.time) as slack:
        slack.add_user("U1", "ana", "ana@example.com")
        slack.add_channel("C1", "reviews", members=["U1"])
        slack.events_url = "http://127.0.0.1:3000/slack/events"
        ...                                     # start the bot with SLACK_API_URL=slack.api_url
        card = await slack.until(lambda: slack.messages("C1")[0])
        await slack.click("U1", card, "Revise")
        await slack.submit("U1", {"feedback": "Shorter, please."})

`Message` and `View` are snapshots of what a person saw. Clicking an old snapshot is what a person
with a stale screen does; `messages` and `fresh` give the present state.

People's actions are in `user_actions` (`UserActions`, which Workspace extends), the Web API's
methods are in the modules named after them. Only tests check that the bot keeps Slack's limits:
their workspace (`tests/standins`) extends this one, and refuses what exceeds a limit.
"""
