"""*Ask somebody…* in a card's menu: the form for a referral."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain.caveats import NOTHING_SEEN
from crewgate.domain.referrals import REFERRAL_LIMIT
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.blockkit import blocks
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.metadata import asked
from crewgate.slack.payloads import parse_submission, raises_malformed
from crewgate.slack.press import Press
from crewgate.slack.reviews import buttons
from crewgate.slack.reviews.listeners import Verb
from crewgate.slack.reviews.replies import FormReply, Reply
from crewgate.slack.words import cards
from crewgate.usecases.decide import may_revise
from crewgate.usecases.read_models import CardView
from crewgate.usecases.referrals import refer


def render_form(view: CardView, deciders: str) -> Block:
    why = blocks.text_field(
        "Why?",
        block_id=ids.FEEDBACK,
        action_id=ids.FEEDBACK,
        max_length=REFERRAL_LIMIT,
        placeholder="You know this customer",
    )
    return blocks.modal(
        "Ask somebody",
        [
            blocks.section(cards.about(view)),
            blocks.context(f"These may decide: {deciders}. Nobody's rights change."),
            blocks.person_field("Who should look?", name=ids.REFER_TO, user=None),
            why | {"optional": True},
            blocks.context(
                "They are mentioned in the thread, with your words, and find this at the top of "
                "their Home and of *Start*."
            ),
        ],
        callback_id=ids.REFER_MODAL,
        metadata=asked(view.round.id, NOTHING_SEEN),
        submit="Ask",
    )


@raises_malformed
def parse_asked_person(body: Mapping[str, Any]) -> Person:
    entered = body["view"]["state"]["values"][ids.REFER_TO][ids.REFER_TO]
    user = str(entered["selected_user"])
    return Person(user, user)


def register(app: AsyncApp, context: SlackContext) -> None:
    app.view(ids.REFER_MODAL)(partial(on_submitted, context=context))


async def _open_form(press: Press, reply: Reply) -> None:
    context = reply.context
    await may_revise(press.value, by=press.by, context=context)
    view = (await context.uow.read.posting(press.value)).view
    await reply.open(render_form(view, context.deciders(view.round)))


VERBS: Final[Mapping[str, Verb]] = {buttons.REFER.id: _open_form}


async def on_submitted(ack: AsyncAck, body: Body, *, context: SlackContext) -> None:
    sent, to = parse_submission(body), parse_asked_person(body)
    reply = FormReply(ack, sent, context)
    async with reply.explained(ids.REFER_TO):
        await refer(sent.round_id, to, sent.feedback, by=sent.by, context=context)
        await reply.close()
