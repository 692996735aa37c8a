"""The form that starts a crew, in all its states."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Block, context, section
from crewgate.slack.blockkit.modals import modal, select_field, text_field
from crewgate.slack.kickoff import strings

FIELDS_LIMIT: Final = 45
"""Each may need a second block for what is wrong with it; a modal has 100."""
_NAME_LIMIT: Final = 200
_TEXT_LIMIT: Final = 3_000
_LONG: Final = frozenset(
    {"background", "brief", "content", "context", "criteria", "data", "description", "details"}
    | {"document", "draft", "email", "goal", "goals", "guidelines", "instructions", "message"}
    | {"notes", "objective", "prompt", "question", "requirements", "summary", "text", "transcript"}
)
"""Words in an input's name that promise more than a line."""


def render_notice(sentence: str) -> Block:
    """A modal that only says something."""
    return modal(strings.TITLE, [section(sentence)])


def render_choice(crews: Sequence[str]) -> Block:
    field = select_field(strings.CREW_LABEL, block_id=ids.CREW, action_id=ids.CREW, options=crews)
    return modal(
        strings.TITLE,
        [field],
        callback_id=ids.KICKOFF_CHOICE,
        submit=strings.NEXT,
    )


def render_form(
    crew: str,
    names: Sequence[str],
    *,
    values: Mapping[str, str] | None = None,
    missing: Collection[str] = (),
    warning: str = "",
) -> Block:
    """The crew's inputs as fields; `values` were written already, `missing` are wrong."""
    names = list(dict.fromkeys(names))
    if len(names) > FIELDS_LIMIT or any(len(name) > _NAME_LIMIT for name in names):
        return render_notice(strings.TOO_MANY)
    about = context(shared.bold(shared.crew(crew)))
    blocks: list[Block] = [about, *([section(warning)] if warning else [])]
    for name in names:
        blocks.append(_field(name, (values or {}).get(name, "")))
        if name in missing:
            blocks.append(context(strings.MISSING))
    if not names:
        blocks.append(section(strings.NO_INPUTS))
    return modal(
        strings.TITLE,
        blocks,
        callback_id=ids.KICKOFF_FORM,
        metadata=crew,
        submit=strings.START,
    )


def _field(name: str, value: str) -> Block:
    return text_field(
        shared.input_name(name, shared.PLAIN),
        block_id=f"{ids.KICKOFF_INPUT}.{name}",
        action_id=ids.KICKOFF_INPUT,
        max_length=_TEXT_LIMIT,
        value=value,
        multiline=bool(_LONG & set(name.lower().replace("-", "_").split("_"))),
    )
