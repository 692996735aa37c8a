"""Calls of tools: their arguments as they would be sent, and the form that changes them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from crewgate.domain.acts import (
    FILLED_IN,
    Argument,
    Kind,
    arguments_of,
    changes_of,
    shown_value,
)
from crewgate.domain.masking import Masking
from crewgate.domain.notification import Output
from crewgate.domain.redaction import is_hidden_argument
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import valid_for
from crewgate.domain.subjects import call_of
from crewgate.domain.verdict import FEEDBACK_LIMIT
from crewgate.slack import ids
from crewgate.slack.blockkit import blocks
from crewgate.slack.blockkit.rich_text import in_blocks, leaf, text_section
from crewgate.slack.blockkit.text import hides, plain, utf16_length, with_recipients_named
from crewgate.slack.metadata import asked
from crewgate.slack.payloads import edit_box
from crewgate.slack.reviews.output import OUTPUT_LIMIT, laid_out, script_of
from crewgate.slack.reviews.standing import MASKS_STAY, Briefing, caution, head
from crewgate.slack.words import cards, decisions, names
from crewgate.usecases.read_models import CardView

#: The longest argument, in characters, whose box in the form has one line; others have several.
_BESIDE: Final = 80
#: The characters shown of a changed argument's old value, and of its new value.
_CHANGE_SHOWN: Final = 300
_CHANGES_SHOWN: Final = 20


def other_arguments(view: CardView) -> list[blocks.Block]:
    """Return arguments that a person changed, now or for the next round: `to: ann (was bob)`."""
    before, after = view.before, view.output
    if view.round.state is State.SUPERSEDED and view.after is not None:
        before, after = view.output, view.after
    elif not view.round.subject.has_arguments or view.round.edited_by is None:
        return []
    if before is None:
        return []
    lines: list[blocks.Block] = []
    changes = changes_of(before.text, after.text)
    own = script_of(arguments_of(after.text) or {})
    for change in changes[:_CHANGES_SHOWN]:
        old, new = (None if one is None else _short(one, own) for one in (change.old, change.new))
        label = plain(change.name, blocks.LABEL_LIMIT)
        name = leaf(f"{label or '?'}: ", bold=True)
        came = [leaf("left out", italic=True)] if new is None else [leaf(new)]
        went = [leaf(" (was "), leaf(old, strike=True), leaf(")")] if old else [leaf(" (new)")]
        lines += [*([leaf("\n")] if lines else []), name, *came, *went]
    return in_blocks([text_section(lines)]) if lines else []


def _short(text: str, own: str) -> str:
    return plain(with_recipients_named(text, own), _CHANGE_SHOWN) or "empty"


def about_tool(view: CardView) -> str:
    """Return `Filled in by the tool: amount, cc`, and the agent's own name of the tool.

    Each is left out where there is nothing to say.
    """
    call = call_of(view.round.subject)
    if call is None:
        return ""
    found = [names.identifier(one, blocks.LABEL_LIMIT) for one in call.filled_in]
    filled = f"Filled in by the tool: {names.some(found, _CHANGES_SHOWN)}" if found else ""
    longer = f"The agent calls it {names.identifier(call.tool)}" if call.name != call.tool else ""
    return names.joined(filled, longer)


def tools_used(view: CardView) -> str:
    """`Used in this round: search (4), send_email (1, approved)`; empty if unknown."""
    found = []
    for one in view.round.tools_used:
        approved = f", {one.approved:,}" if 0 < one.approved < one.count else ","
        approved = f"{approved} approved" if one.approved else ""
        by = [decisions.decider(how) for tool, how in view.approved_calls if tool == one.tool]
        if one.approved and len(by) == one.approved:
            approved += f" by {names.some([*dict.fromkeys(by)], decisions.NAMED_SHORT)}"
        found.append(f"{names.tool(one.tool)} ({one.count:,}{approved})")
    return f"Used in this round: {', '.join(found)}" if found else ""


# --- the form that *Change* opens -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The arguments that a form can change, as shown, with numbered masks."""

    arguments: tuple[Argument, ...]
    values: tuple[str, ...]
    masks: Mapping[str, str]
    """The passage of each mask."""
    others: Mapping[str, object]
    """The other arguments, which the form does not change."""
    covers_names: bool = False
    """A mask covers a name, so the others are one text, as they are written."""

    @property
    def shows_all(self) -> bool:
        return not self.covers_names and laid_out(self.others, OUTPUT_LIMIT)[1] is None


_APART: Final = "\n\0\n"


def fields_of_call(round_: Round, output: Output, masking: Masking) -> Fields | None:
    """Return the fields of a call's form; None without a form. `output` is unmasked."""
    arguments, call = arguments_of(output.text), call_of(round_.subject)
    if call is None or arguments is None or not round_.takes_edits:
        return None
    values = {one.name: shown_value(arguments.get(one.name)) for one in call.arguments}
    fit = [
        one
        for one in call.arguments
        if _fits(values[one.name]) and not is_hidden_argument(one.name)
    ]
    masked, masks = masking.numbered(_APART.join(values[one.name] for one in fit))
    texts = masked.split(_APART)
    if len(texts) != len(fit):
        return None
    shown = {
        one: text
        for one, text in zip(fit, texts, strict=True)
        if not text or text in _choices(one) or one.kind not in {Kind.FLAG, Kind.CHOICE}
    }
    names = {one.name for one in shown}
    rest = {name: value for name, value in arguments.items() if name not in names}
    masked = masking.text(json.dumps(rest, ensure_ascii=False))
    others = arguments_of(masked)
    # Where a mask covers a name, the text may be no JSON, or have one name twice.
    covers_names = others is None or json.dumps(others, ensure_ascii=False) != masked
    others = {"JSON": masked} if others is None or covers_names else others
    if not shown:
        return None
    return Fields(
        arguments=tuple(shown),
        values=tuple(shown.values()),
        masks=masks,
        others=others,
        covers_names=covers_names,
    )


def _fits(text: str) -> bool:
    # Slack changes unseen characters: a text with some would come back from its box changed.
    return utf16_length(text) <= FEEDBACK_LIMIT and not hides(text)


def render_change_form(
    briefing: Briefing, fields: Fields, written: Sequence[str], *, revision: int = 0, mark: str = ""
) -> blocks.Block:
    """The form with a call's arguments; `revision` counts refills of its boxes.

    `mark` identifies the arguments that the form was opened with.
    """
    round_ = briefing.view.round
    others, _ = laid_out(fields.others, OUTPUT_LIMIT)
    stay = [blocks.section("*These stay as they are*"), *in_blocks(others)] if others else []
    values = {one.name: text for one, text in zip(fields.arguments, written, strict=True)}
    own = script_of({**fields.others, **values})
    several = cards.edit_of_several(round_)
    return blocks.modal(
        "Change the arguments",
        [
            *head(briefing, approves=False),
            blocks.section(
                "You approve the call with what stands here: it runs once, in your name, within"
                f" {decisions.how_long(valid_for(round_.rule))}."
            ),
            *([caution(briefing.view, several)] if several else []),
            *([blocks.context(MASKS_STAY)] if fields.masks else []),
            *(
                _field(one, values[one.name], edit_box(revision, number, ids.ARGUMENT), own)
                for number, one in enumerate(fields.arguments)
            ),
            *stay,
        ],
        callback_id=ids.CHANGE_MODAL,
        metadata=asked(round_.id, briefing.caveats.seen, mark),
        submit="Approve with these",
    )


def _field(argument: Argument, text: str, block_id: str, own: str) -> blocks.Block:
    if options := _choices(argument):
        made = blocks.select_field(
            argument.name, block_id=block_id, action_id=ids.ARGUMENT, options=options, chosen=text
        )
    else:
        made = blocks.text_field(
            argument.name,
            block_id=block_id,
            action_id=ids.ARGUMENT,
            max_length=FEEDBACK_LIMIT,
            value=text,
            own=own,
            multiline="\n" in text or len(text) > _BESIDE,
        )
    return made | {"optional": not argument.required or not text}


def _choices(argument: Argument) -> tuple[str, ...]:
    return ("true", "false") if argument.kind is Kind.FLAG else argument.choices


MISFITS: Final[Mapping[str, str]] = {
    Kind.TEXT: "Write a text.",
    Kind.NUMBER: "Write a number, as 12.5.",
    Kind.INTEGER: "Write a whole number, as 12.",
    Kind.FLAG: "Choose true or false.",
    Kind.CHOICE: "Choose one of these.",
    FILLED_IN: "Left empty, the tool fills it in again. Write the value that it is to get.",
}
