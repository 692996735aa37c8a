"""The private offer to send notes as a revision, or as an answer to a flow."""

from crewgate.domain.review import Round
from crewgate.slack.blockkit.blocks import Message, actions, notification, section
from crewgate.slack.phrases import asker
from crewgate.slack.reviews.buttons import words_button
from crewgate.slack.reviews.strings import words_label


def render_offer(round_: Round) -> Message:
    """Offered once to whoever writes in the thread and may decide."""
    receiver = asker(round_.question)
    press = f"Press *{words_label(round_.question)}* to send it to the {receiver}."
    says = f"Noted for the reviewers. {press}"
    return Message(
        notification(says.replace("*", "")), [section(says), actions(words_button(round_))]
    )
