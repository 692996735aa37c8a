"""The routes of the bot, except Slack's, which `slack_events` adds."""

from functools import partial

from aiohttp import web

from crewgate.network.requests import LIMIT
from crewgate.web.context import WebContext, explain_failures
from crewgate.web.credentials import TakenRequests
from crewgate.web.decisions import on_decision
from crewgate.web.health import count_webhooks, is_local, on_healthz, on_readyz
from crewgate.web.webhooks import on_event, on_flow_request, on_human_input, on_kickoff, on_register


def build(context: WebContext) -> web.Application:
    app = web.Application(
        client_max_size=LIMIT, middlewares=[count_webhooks(context.credentials), explain_failures]
    )
    router = app.router
    human_input = partial(on_human_input, context=context)
    router.add_post("/crews/{crew}/human-input", human_input, name="human-input")
    flow_request = partial(on_flow_request, context=context, taken=TakenRequests())
    router.add_post("/crews/{crew}/flow-request", flow_request, name="flow-request")
    router.add_post("/crews/{crew}/events/{kind}/{key}", partial(on_event, context=context))
    router.add_post("/crews/{crew}/kickoff", partial(on_kickoff, context=context))
    router.add_put(
        "/crews/{crew}/executions/{execution_id}/webhooks", partial(on_register, context=context)
    )
    # HEAD is refused: its answer has no body, and yet the decision would count as fetched.
    router.add_get(
        "/crews/{crew}/decisions/{execution_id}/{task_id}",
        partial(on_decision, context=context),
        allow_head=False,
    )

    async def answer_askers(_app: web.Application) -> None:
        context.fetches.stop()

    app.on_shutdown.append(answer_askers)
    router.add_get("/healthz", partial(on_healthz, prove=context.prove))
    readyz = partial(
        on_readyz,
        check_health=context.check_health,
        status_token=context.status_token,
        local=is_local(context.public_url),
    )
    router.add_get("/readyz", readyz)
    return app
