"""Slack's limits on elements, blocks, whole messages and views.

https://docs.slack.dev/reference/block-kit/blocks, …/block-elements and …/reference/views; the
budget of a whole message is undocumented and was found by experiment.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from crewgate.demo.workspace.blocks import Json, elements, pieces
from crewgate.demo.workspace.wire import Args, Refused

ID: Final = 255
INPUT_VALUE: Final = 3_000


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason to refuse: the place (a JSON pointer) and the mistake."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


@dataclass(slots=True)
class Check:
    """Collects problems."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, at: str, message: str) -> None:
        self.problems.append(Problem(at, message))


Rule: TypeAlias = Callable[[Check, str, Any], None]
"""(check, pointer, value) -> notes mistakes in the value."""


def fields(required: str, also: str = "", /, **rules: Rule) -> Rule:
    """Return an object's rule: `required` fields, fields with rules, and unchecked `also`."""
    needed = required.split()
    known = {*needed, *also.split(), *rules, "type"}

    def check_fields(check: Check, at: str, value: Any) -> None:
        if not isinstance(value, dict):
            check.add(at, "must be an object")
            return
        for name in needed:
            if value.get(name) is None:
                check.add(at, f"missing required field: {name}")
        for name in value.keys() - known:
            check.add(f"{at}/{name}", f"no such field: {name}")
        for name, rule in rules.items():
            if value.get(name) is not None:
                rule(check, f"{at}/{name}", value[name])

    return check_fields


def string(longest: int, *, shortest: int = 1) -> Rule:
    def check_string(check: Check, at: str, value: object) -> None:
        if not isinstance(value, str):
            check.add(at, "must be a string")
        elif len(value) < shortest:
            check.add(at, f"must be more than {shortest - 1} characters")
        elif len(value) > longest:
            check.add(at, f"must be less than {longest + 1} characters")

    return check_string


def items(most: int, each: Rule, *, least: int = 1) -> Rule:
    def check_items(check: Check, at: str, value: object) -> None:
        if not isinstance(value, list | tuple):
            check.add(at, "must be an array")
            return
        if len(value) > most:
            check.add(at, f"no more than {most} items allowed")
        if len(value) < least:
            check.add(at, f"no fewer than {least} items allowed")
        for number, item in enumerate(value):
            each(check, f"{at}/{number}", item)

    return check_items


def one_of(*values: object) -> Rule:
    def check_value(check: Check, at: str, value: object) -> None:
        if value not in values:
            check.add(at, f"must be one of: {', '.join(map(str, values))}")

    return check_value


def text(longest: int, *, plain: bool = False) -> Rule:
    """Return the rule of a text object; if `plain`, the text may not be mrkdwn."""
    plain_text = fields("text", "emoji", text=string(longest))
    mrkdwn = fields("text", "verbatim", text=string(longest))
    kinds = one_of(*(["plain_text"] if plain else ["mrkdwn", "plain_text"]))

    def check_text(check: Check, at: str, value: Any) -> None:
        kind = value.get("type") if isinstance(value, dict) else "plain_text"
        kinds(check, f"{at}/type", kind)
        (mrkdwn if kind == "mrkdwn" else plain_text)(check, at, value)

    return check_text


def plain(longest: int) -> Rule:
    return text(longest, plain=True)


def unique(check: Check, at: str, value: object, seen: set[str]) -> None:
    if isinstance(value, str):
        if value in seen:
            check.add(at, f"{at.rsplit('/', 1)[-1]} already used: {value}")
        seen.add(value)


MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
MESSAGE_CHARACTERS: Final = 13_200
"""The limit of all texts in a message's blocks together (`msg_blocks_too_long`)."""
MARKDOWN_CHARACTERS: Final = 12_000
"""The limit of all markdown blocks of a message together."""

_URL: Final = string(3_000)
_SECTION: Final = text(3_000)
_STYLE: Final = one_of("primary", "danger")
_CONFIRM: Final = fields(
    "title text", title=plain(100), text=text(300), confirm=plain(30), deny=plain(30), style=_STYLE
)

# ---- elements: the kinds that the bot makes; any other is unsupported


def _options(most: int) -> Rule:
    """Return the rule of options with distinct values."""
    words = plain(75)
    option = fields("text value", text=words, value=string(150), description=words, url=_URL)
    every = items(most, option)

    def check_options(check: Check, at: str, value: Any) -> None:
        every(check, at, value)
        seen: set[str] = set()
        for number, one in enumerate(value if isinstance(value, list | tuple) else ()):
            if isinstance(one, dict):
                unique(check, f"{at}/{number}/value", str(one.get("value")), seen)

    return check_options


def _length(check: Check, at: str, value: int) -> None:
    if not 0 <= value <= INPUT_VALUE:
        check.add(at, f"must be between 0 and {INPUT_VALUE}")


def _with_one_of(names: str, rule: Rule) -> Rule:
    def check_fields(check: Check, at: str, value: Any) -> None:
        rule(check, at, value)
        if isinstance(value, dict) and not any(value.get(name) for name in names.split()):
            check.add(at, f"missing required field: {' or '.join(names.split())}")

    return check_fields


def _image(**more: Rule) -> Rule:
    alt = string(2_000, shortest=0)
    return _with_one_of(
        "image_url slack_file",
        fields("alt_text", "slack_file", image_url=_URL, alt_text=alt, **more),
    )


def _asks(required: str = "", also: str = "", /, **rules: Rule) -> Rule:
    return fields(
        required, f"focus_on_load {also}", placeholder=plain(150), confirm=_CONFIRM, **rules
    )


#: Elements of an actions block, or beside a section.
_IN_ACTIONS: Final[Mapping[str, Rule]] = {
    "button": fields(
        "text",
        text=plain(75),
        value=string(2_000, shortest=0),
        url=_URL,
        style=_STYLE,
        confirm=_CONFIRM,
        accessibility_label=string(75),
    ),
    "overflow": fields("options", options=_options(5), confirm=_CONFIRM),
}
#: Elements of a form and elsewhere.
_ASKING: Final[Mapping[str, Rule]] = {
    "datepicker": _asks("", "initial_date"),
    "static_select": _asks("options", "initial_option", options=_options(100)),
    "users_select": _asks("", "initial_user"),
}
#: Elements of a form alone.
_TEXTS: Final[Mapping[str, Rule]] = {
    "plain_text_input": _asks(
        "",
        "multiline dispatch_action_config",
        initial_value=string(INPUT_VALUE, shortest=0),
        min_length=_length,
        max_length=_length,
    )
}


def _one_of_kinds(kinds: Mapping[str, Rule]) -> Rule:
    def check_element(check: Check, at: str, element: object) -> None:
        if not isinstance(element, dict):
            check.add(at, "must be an object")
            return
        kind = str(element.get("type"))
        if kind not in kinds:
            check.add(f"{at}/type", f"unsupported type: {kind}")
            return
        if element.get("action_id") is not None:
            string(ID)(check, f"{at}/action_id", element["action_id"])
        kinds[kind](check, at, {key: element[key] for key in element if key != "action_id"})

    return check_element


# ---- blocks


def _actions(check: Check, at: str, block: Json) -> None:
    _ACTIONS(check, at, block)
    seen: set[str] = set()
    found = block.get("elements") or ()
    objects = [element for element in found if isinstance(element, dict)]
    for _, element in elements([{"elements": objects}]):
        unique(check, f"{at}/elements/action_id", element["action_id"], seen)


_ACTIONS: Final = fields("elements", elements=items(25, _one_of_kinds({**_IN_ACTIONS, **_ASKING})))

_IMAGE: Final = _image()


def _beside(check: Check, at: str, element: Any) -> None:
    is_image = isinstance(element, dict) and element.get("type") == "image"
    (_IMAGE if is_image else _SECTION)(check, at, element)


#: https://docs.slack.dev/tools/node-slack-sdk/reference/types/interfaces/RichTextText
_STYLES: Final = frozenset({"bold", "italic", "strike", "code", "underline"})
_EMOJI: Final = re.compile(r"[a-z0-9_+'-]+")
_RICH_PARTS: Final = {f"rich_text_{kind}" for kind in ("section", "list", "preformatted", "quote")}


def _rich_part(check: Check, at: str, part: object) -> None:
    if not isinstance(part, dict) or part.get("type") not in _RICH_PARTS:
        check.add(at, "unsupported type")
    else:
        items(10_000, _leaf, least=0)(check, f"{at}/elements", part.get("elements"))


def _leaf(check: Check, at: str, leaf: object) -> None:
    """Check a section, a quote or code of rich text; a list holds sections."""
    match leaf:
        case {"type": "rich_text_section", "elements": list(inside)}:
            for place, one in enumerate(inside):
                _leaf(check, f"{at}/elements/{place}", one)
        case {"type": "text", "text": str(words)}:
            if not words:
                check.add(f"{at}/text", "must be more than 0 characters")
        case {"type": "emoji", "name": str(name)}:
            if _EMOJI.fullmatch(name) is None:
                check.add(f"{at}/name", "must be the name of an emoji")
        case {"type": "text" | "emoji"}:
            check.add(at, "missing required field")
        case _:
            pass
    style = leaf.get("style", {}) if isinstance(leaf, dict) else {}
    known = isinstance(style, dict) and _STYLES.issuperset(style)
    if not known or not all(isinstance(on, bool) for on in style.values()):
        check.add(f"{at}/style", f"must be some of: {', '.join(sorted(_STYLES))}")


_IN_VIEWS: Final[Mapping[str, Rule]] = {
    "actions": _actions,
    "context": fields("elements", elements=items(10, _beside)),
    "divider": fields(""),
    "header": fields("text", text=plain(150)),
    "image": _image(title=plain(2_000)),
    "input": fields(
        "label element",
        "optional dispatch_action",
        label=plain(2_000),
        hint=plain(2_000),
        element=_one_of_kinds({**_ASKING, **_TEXTS}),
    ),
    "rich_text": fields("elements", elements=items(1_000, _rich_part, least=0)),
    "section": _with_one_of(
        "text fields",
        fields(
            "",
            "expand",
            text=_SECTION,
            fields=items(10, text(2_000)),
            accessory=_one_of_kinds({**_IN_ACTIONS, **_ASKING, "image": _image()}),
        ),
    ),
}
#: https://docs.slack.dev/reference/block-kit/blocks/alert-block names no limit of its text; it has
#: a section's here, as a section takes its place.
_IN_MODALS: Final = {
    **_IN_VIEWS,
    "alert": fields(
        "text", text=_SECTION, level=one_of("default", "info", "warning", "error", "success")
    ),
}
CHARTS: Final = 2
_CHART_LABEL: Final = string(20)


def _number(check: Check, at: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        check.add(at, "must be a number")


_POINT: Final = fields("label value", label=_CHART_LABEL, value=_number)
_SERIES: Final = fields("name data", name=_CHART_LABEL, data=items(20, _POINT))
_AXIS: Final = fields(
    "categories", categories=items(20, _CHART_LABEL), x_label=string(50), y_label=string(50)
)
_PLOT: Final = fields("series axis_config", series=items(6, _SERIES), axis_config=_AXIS)
_PIE: Final = fields("segments", segments=items(6, _POINT))


def _chart(check: Check, at: str, chart: Any) -> None:
    """Check a chart: each of its series has one value for each category."""
    match chart:
        case {"type": "pie"}:
            _PIE(check, at, chart)
        case {"type": "bar" | "line" | "area"}:
            before = len(check.problems)
            _PLOT(check, at, chart)
            if len(check.problems) == before:
                categories = chart["axis_config"]["categories"]
                for number, one in enumerate(chart["series"]):
                    if [point["label"] for point in one["data"]] != categories:
                        check.add(f"{at}/series/{number}/data", "must match the categories")
        case _:
            check.add(f"{at}/type", "unsupported type")


_IN_MESSAGES: Final = {
    **_IN_VIEWS,
    "data_visualization": fields("title chart", title=string(50), chart=_chart),
    "markdown": fields("text", text=string(MARKDOWN_CHARACTERS)),
}


def _blocks(most: int, kinds: Mapping[str, Rule]) -> Rule:
    """Return the rule of blocks of these kinds, with distinct ids."""

    def check_blocks(check: Check, at: str, blocks: Any) -> None:
        seen: set[str] = set()

        def check_block(check: Check, at: str, block: object) -> None:
            if not isinstance(block, dict):
                check.add(at, "must be an object")
            elif str(block.get("type")) not in kinds:
                check.add(f"{at}/type", f"unsupported type: {block.get('type')}")
            else:
                rest = {key: block[key] for key in block if key != "block_id"}
                kinds[block["type"]](check, at, rest)
                if "block_id" in block:
                    string(ID)(check, f"{at}/block_id", block["block_id"])
                    unique(check, f"{at}/block_id", block["block_id"], seen)

        items(most, check_block, least=0)(check, at, blocks)

    return check_blocks


# ---- messages and views


def message_problems(blocks: object) -> list[Problem]:
    check = Check()
    _blocks(MESSAGE_BLOCKS, _IN_MESSAGES)(check, "/blocks", blocks)
    kinds = [block["type"] for block in blocks] if not check.problems else []  # type: ignore[attr-defined]
    if kinds.count("data_visualization") > CHARTS:
        check.add("/blocks", f"no more than {CHARTS} charts allowed")
    if not check.problems and markdown_size(blocks) > MARKDOWN_CHARACTERS:
        check.add("/blocks", f"markdown blocks have more than {MARKDOWN_CHARACTERS} characters")
    return check.problems


def text_size(blocks: object) -> int:
    """Return the characters of blocks that count against the limit of a message."""
    return sum(len(piece.text) for piece in pieces(blocks))


def markdown_size(blocks: object) -> int:
    return sum(len(piece.text) for piece in pieces(blocks) if piece.markdown)


_KEPT: Final = {
    "private_metadata": string(3_000, shortest=0),
    "callback_id": string(ID, shortest=0),
    "external_id": string(ID, shortest=0),
}
_VIEWS: Final[Mapping[str, Rule]] = {
    "modal": fields(
        "title blocks",
        "clear_on_close notify_on_close submit_disabled",
        title=plain(24),
        submit=plain(24),
        close=plain(24),
        blocks=_blocks(VIEW_BLOCKS, _IN_MODALS),
        **_KEPT,
    ),
    "home": fields("blocks", blocks=_blocks(VIEW_BLOCKS, _IN_VIEWS), **_KEPT),
}


def view_problems(view: Any) -> list[Problem]:
    check = Check()
    match view:
        case {"type": "modal" | "home" as kind}:
            _VIEWS[kind](check, "/view", view)
            blocks = view.get("blocks") or ()
            asks = any(isinstance(one, dict) and one.get("type") == "input" for one in blocks)
            if asks and kind == "modal" and not view.get("submit"):
                check.add("/view", "missing required field: submit (there are input blocks)")
        case {"type": other}:
            check.add("/view/type", f"unsupported type: {other}")
        case _:
            check.add("/view", "must be an object")
    return check.problems


# ---- calls


def refuse_problems(problems: Iterable[Problem], code: str = "invalid_blocks") -> None:
    """Raise Refused, in Slack's wording, when there are any problems."""
    found = [str(problem) for problem in problems]
    if found:
        messages = [f"[ERROR] {line}" for line in found]
        raise Refused(code, errors=found, response_metadata={"messages": messages})


def refuse_view(view: Any, unknown: Collection[str], code: str = "invalid_arguments") -> None:
    """Raise Refused for a view above Slack's limits, or of blocks that it does not know yet."""
    refuse_problems(view_problems(view), code)
    _refuse_unknown(view["blocks"], unknown, code)


def _refuse_unknown(blocks: Iterable[Json], unknown: Collection[str], code: str) -> None:
    kinds = [(f"/blocks/{at}/type", block["type"]) for at, block in enumerate(blocks)]
    found = [Problem(at, f"unsupported type: {kind}") for at, kind in kinds if kind in unknown]
    refuse_problems(found, code)


def refuse_invalid(args: Args, unknown: Collection[str]) -> None:
    """`blocks.validate`: raise Refused for a message or view that Slack would not take."""
    if (view := args.json("view", "invalid_arguments")) is not None:
        refuse_view(view, unknown, "invalid_view")
    if (message := args.json("message", "invalid_arguments")) is not None:
        refuse_problems(message_problems(message["blocks"]), "invalid_message")
        _refuse_unknown(message["blocks"], unknown, "invalid_message")


def refuse_message(args: Args, unknown: Collection[str] = ()) -> None:
    """Raise Refused for a message above Slack's limits, or of blocks that it does not know yet."""
    blocks = args.json("blocks", "invalid_blocks_format") or []
    refuse_problems(message_problems(blocks))
    _refuse_unknown(blocks, unknown, "invalid_blocks")
    if text_size(blocks) > MESSAGE_CHARACTERS:
        raise Refused("msg_blocks_too_long")
