"""The command `/crew morning`, and the message that a person then gets each morning."""

import re
from datetime import time
from typing import Final
from zoneinfo import ZoneInfo

from crewgate.domain.morning import Morning
from crewgate.slack.away import name_of
from crewgate.slack.blockkit.blocks import Message, actions, push_text, section
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.client.people import time_zone_of
from crewgate.slack.context import SlackContext
from crewgate.slack.ids import COMMAND
from crewgate.slack.payloads import Command
from crewgate.slack.reviews import buttons
from crewgate.slack.words import names
from crewgate.usecases.morning import end_morning, set_morning
from crewgate.usecases.read_models import QueuePart

_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_ON: Final = f"`{COMMAND} morning 8:30`"
_OFF: Final = "You get no morning line."


async def answer_morning(command: Command, context: SlackContext) -> str:
    user, typed = command.by.id, " ".join(command.arguments[1:])
    if not context.directory.may_message:
        return "This app may send no direct messages here, so there is no morning line."
    if not typed:
        wish = await context.uow.read.mornings.find(user)
        return f"{_OFF} {_ON} turns it on." if wish is None else _is_on(wish)
    if typed == "off":
        await end_morning(user, context=context)
        return _OFF
    found = _TIME.fullmatch(typed)
    if found is None:
        unclear = one_line(typed, 40)
        return f"Nothing changed: “{unclear}” is no time that I can read. Write {_ON}, or `off`."
    minute = int(found[1]) * 60 + int(found[2])
    zone = await time_zone_of(context.identity.client, user)
    return _is_on(await set_morning(user, minute, zone.key if zone else None, context=context))


def _is_on(wish: Morning) -> str:
    at, zone = time(*divmod(wish.minute, 60)), name_of(ZoneInfo(wish.zone))
    return (
        f"Each day at {at:%H:%M}, {zone}, you get one private message if something waits for you; "
        f"none on days without working hours. `{COMMAND} morning off` ends that."
    )


def render_line(waiting: QueuePart) -> Message:
    [oldest] = waiting.lines
    round_, total = oldest.round, waiting.total
    many = "1 waits for you," if total == 1 else f"{names.total(total)} wait for you; the oldest"
    line = f"{many} since {names.date(round_.opened_at)}: {names.bold(names.task(round_))}."
    plain = f"{many.rstrip(',')}: {names.task(round_, names.PLAIN)}"
    return Message(push_text(plain), [section(line), actions(buttons.START.on(COMMAND))])
