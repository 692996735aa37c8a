"""Slack's limits, each at its last good and its first bad value."""

from typing import Any

import pytest

from tests.demo.builders import Json, plain
from tests.standins.limits import markdown_size, message_problems, text_size, view_problems


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(text: str = "Yes", value: str = "y") -> Json:
    return {"text": plain(text), "value": value}


def options(number: int) -> list[Json]:
    return [option(value=str(one)) for one in range(number)]


def button(**more: Any) -> Json:
    return {"type": "button", "action_id": "a", "text": plain("Go"), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def section(text: str = "x", **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text), **more}


def asking(**element: Any) -> Json:
    asked = {"type": "plain_text_input", "action_id": "a", **element}
    return {"type": "input", "label": plain("Why?"), "element": asked}


def modal(*blocks: Json, **more: Any) -> Json:
    return {
        "type": "modal",
        "title": plain("Title"),
        "submit": plain("Send"),
        "blocks": list(blocks),
        **more,
    }


def confirm(**more: Any) -> Json:
    return {"title": plain("Sure?"), "text": mrkdwn("Really"), **more}


RICH = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}],
}
LEAF = "/blocks/0/elements/0/elements/0/elements/0"


def rich(*leaves: object) -> Json:
    """A list item and a section with the same leaves."""
    section = {"type": "rich_text_section", "elements": list(leaves)}
    items = {"type": "rich_text_list", "style": "bullet", "elements": [section]}
    return {"type": "rich_text", "elements": [items]}


IMAGE = {"type": "image", "image_url": "https://x.example/a.png", "alt_text": ""}


@pytest.mark.parametrize(
    "block",
    [
        rich(
            {"type": "emoji", "name": "heavy_plus_sign"},
            {"type": "text", "text": "x", "style": {"bold": True, "underline": True}},
            {"type": "user", "user_id": "U1"},
        ),
        section("x" * 3_000),
        {"type": "section", "fields": [mrkdwn("x" * 2_000)] * 10},
        section(accessory=button()),
        section(accessory=IMAGE),
        {"type": "header", "text": plain("x" * 150)},
        {"type": "divider"},
        {"type": "markdown", "text": "x" * 12_000},
        {"type": "context", "elements": [mrkdwn("x"), plain("y"), IMAGE]},
        {**IMAGE, "title": plain("x")},
        RICH,
        actions(button(text=plain("x" * 75), value="x" * 2_000, style="primary")),
        actions(button(action_id="x" * 255, confirm=confirm(confirm=plain("x" * 30)))),
        actions(*({**button(), "action_id": str(one)} for one in range(25))),
        actions({"type": "overflow", "options": options(5)}),
        actions({"type": "static_select", "options": options(100)}),
        asking(max_length=3_000, placeholder=plain("x" * 150), multiline=True),
    ],
)
def test_good_blocks(block: Json) -> None:
    assert message_problems([block]) == []


@pytest.mark.parametrize(
    ("block", "pointer"),
    [
        (section("x" * 3_001), "/blocks/0/text/text"),
        (section(""), "/blocks/0/text/text"),
        ({"type": "section"}, "/blocks/0"),
        (section(fields=[mrkdwn("x" * 2_001)]), "/blocks/0/fields/0/text"),
        (section(fields=[mrkdwn("x")] * 11), "/blocks/0/fields"),
        (section(colour="red"), "/blocks/0/colour"),
        (section(accessory=asking()["element"]), "/blocks/0/accessory/type"),
        (section(block_id="x" * 256), "/blocks/0/block_id"),
        ({"type": "section", "text": "x"}, "/blocks/0/text"),
        ({"type": "section", "text": {**mrkdwn("x"), "emoji": True}}, "/blocks/0/text/emoji"),
        ({"type": "section", "text": {"type": "markdown", "text": "x"}}, "/blocks/0/text/type"),
        ({"type": "header", "text": plain("x" * 151)}, "/blocks/0/text/text"),
        ({"type": "header", "text": mrkdwn("x")}, "/blocks/0/text/type"),
        ({"type": "header"}, "/blocks/0"),
        ({"type": "markdown", "text": "x" * 12_001}, "/blocks/0/text"),
        ({"type": "markdown", "text": ""}, "/blocks/0/text"),
        ({"type": "markdown", "text": 1}, "/blocks/0/text"),
        ({"type": "marquee"}, "/blocks/0/type"),
        ("text", "/blocks/0"),
        ({"type": "context", "elements": [mrkdwn("x")] * 11}, "/blocks/0/elements"),
        ({"type": "context", "elements": []}, "/blocks/0/elements"),
        ({"type": "context", "elements": "x"}, "/blocks/0/elements"),
        ({"type": "image", "alt_text": "x"}, "/blocks/0"),
        ({"type": "rich_text", "elements": [{"type": "text"}]}, "/blocks/0/elements/0"),
        (rich({"type": "text", "text": ""}), f"{LEAF}/text"),
        (rich({"type": "text"}), LEAF),
        (rich({"type": "emoji", "name": ":eyes:"}), f"{LEAF}/name"),
        (rich({"type": "text", "text": "x", "style": {"red": True}}), f"{LEAF}/style"),
        (rich({"type": "text", "text": "x", "style": {"bold": "yes"}}), f"{LEAF}/style"),
        (rich({"type": "text", "text": "x", "style": "bold"}), f"{LEAF}/style"),
        (actions(), "/blocks/0/elements"),
        (actions(*[{"type": "button", "text": plain("x")}] * 26), "/blocks/0/elements"),
        (actions(button(), button()), "/blocks/0/elements/action_id"),
        (asking(max_length=3_001), "/blocks/0/element/max_length"),
        (asking(placeholder=plain("x" * 151)), "/blocks/0/element/placeholder/text"),
        (asking(type="button"), "/blocks/0/element/type"),
        (asking(type="checkboxes", options=options(1)), "/blocks/0/element/type"),
        (asking(type="static_select"), "/blocks/0/element"),
        (section(accessory={**IMAGE, "title": plain("x")}), "/blocks/0/accessory/title"),
        ({"type": ["section"]}, "/blocks/0/type"),
    ],
)
def test_bad_blocks(block: Json, pointer: str) -> None:
    assert [problem.pointer for problem in message_problems([block])] == [pointer]


@pytest.mark.parametrize(
    ("element", "pointer"),
    [
        (button(text=plain("x" * 76)), "/text/text"),
        (button(text=mrkdwn("x")), "/text/type"),
        (button(value="x" * 2_001), "/value"),
        (button(action_id="x" * 256), "/action_id"),
        (button(style="warning"), "/style"),
        ("x", ""),
        (button(confirm=confirm(title=plain("x" * 101))), "/confirm/title/text"),
        (button(confirm=confirm(text=mrkdwn("x" * 301))), "/confirm/text/text"),
        (button(confirm=confirm(deny=plain("x" * 31))), "/confirm/deny/text"),
        (button(confirm=confirm(style="x")), "/confirm/style"),
        (button(confirm="x"), "/confirm"),
        ({"type": "overflow", "options": []}, "/options"),
        ({"type": "overflow", "options": options(6)}, "/options"),
        ({"type": "overflow", "options": ["x"]}, "/options/0"),
        ({"type": "overflow", "options": [option("x" * 76)]}, "/options/0/text/text"),
        ({"type": "overflow", "options": [option(value="x" * 151)]}, "/options/0/value"),
        ({"type": "overflow", "options": [option(), option()]}, "/options/1/value"),
    ],
)
def test_bad_elements(element: Any, pointer: str) -> None:
    block = actions(element)
    found = [problem.pointer for problem in message_problems([block])]
    assert found == [f"/blocks/0/elements/0{pointer}"]


def test_whole_messages() -> None:
    assert message_problems([section()] * 50) == []
    assert [str(problem) for problem in message_problems([section()] * 51)] == [
        "no more than 50 items allowed [json-pointer:/blocks]"
    ]
    same = [section(block_id="b"), section(block_id="b")]
    assert [problem.pointer for problem in message_problems(same)] == ["/blocks/1/block_id"]
    two = [{"type": "markdown", "text": "x" * 6_001}] * 2
    assert [problem.pointer for problem in message_problems(two)] == ["/blocks"]
    assert markdown_size(two) == text_size(two) == 12_002
    assert message_problems("x")[0].message == "must be an array"


def test_rows_may_share_an_action() -> None:
    assert message_problems([section(accessory=button()), section(accessory=button())]) == []


def test_good_views() -> None:
    full = {"title": plain("x" * 24), "private_metadata": "x" * 3_000, "callback_id": "x" * 255}
    assert view_problems(modal(asking(), **full)) == []
    assert view_problems(modal(*[section()] * 100)) == []
    assert view_problems({"type": "home", "blocks": []}) == []


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        ("x", "/view"),
        ({"type": "page", "blocks": []}, "/view/type"),
        (modal(title=plain("x" * 25)), "/view/title/text"),
        (modal(title=None), "/view"),
        (modal(submit=plain("x" * 25)), "/view/submit/text"),
        (modal(close=plain("x" * 25)), "/view/close/text"),
        (modal(private_metadata="x" * 3_001), "/view/private_metadata"),
        (modal(callback_id="x" * 256), "/view/callback_id"),
        (modal(hash="x"), "/view/hash"),
        (modal(*[section()] * 101), "/view/blocks"),
        (modal({"type": "markdown", "text": "x"}), "/view/blocks/0/type"),
        (modal(asking(), submit=None), "/view"),
        ({"type": "home", "blocks": [], "title": plain("x")}, "/view/title"),
    ],
)
def test_bad_views(view: Json, pointer: str) -> None:
    assert [problem.pointer for problem in view_problems(view)] == [pointer]


def chart(labels: int = 2, **more: Any) -> Json:
    names = [f"label {number}" for number in range(labels)]
    data = [{"label": name, "value": 1.5} for name in names]
    bar = {
        "type": "bar",
        "series": [{"name": "Now", "data": data}],
        "axis_config": {"categories": names, "y_label": "hours"},
        **more,
    }
    return {"type": "data_visualization", "title": "T", "chart": bar}


def pie(parts: int) -> Json:
    segments = [{"label": str(part), "value": part} for part in range(parts)]
    return {
        "type": "data_visualization",
        "title": "T" * 50,
        "chart": {"type": "pie", "segments": segments},
    }


@pytest.mark.parametrize(
    ("block", "pointer"),
    [
        (chart(20), None),
        (pie(6), None),
        (chart(21), "/blocks/0/chart/axis_config/categories"),
        (pie(7), "/blocks/0/chart/segments"),
        ({**chart(), "title": "T" * 51}, "/blocks/0/title"),
        (chart(series=[]), "/blocks/0/chart/series"),
        (chart(axis_config={"categories": ["x" * 21]}), "/blocks/0/chart/axis_config/categories/0"),
        (chart(axis_config={"categories": ["other"]}), "/blocks/0/chart/series/0/data"),
        (chart(type="radar"), "/blocks/0/chart/type"),
        (
            chart(series=[{"name": "Now", "data": [{"label": "x", "value": True}]}]),
            "/blocks/0/chart/series/0/data/0/value",
        ),
    ],
)
def test_charts(block: Json, pointer: str | None) -> None:
    found = [problem.pointer for problem in message_problems([block])]
    assert pointer in found if pointer else found == []


def test_a_message_has_two_charts_at_most_and_a_modal_none() -> None:
    assert message_problems([chart(), chart()]) == []
    assert [problem.pointer for problem in message_problems([chart()] * 3)] == ["/blocks"]
    assert view_problems(modal(chart()))


def an_alert(text: str = "Look", **more: Any) -> Json:
    return {"type": "alert", "text": mrkdwn(text), **more}


@pytest.mark.parametrize(
    ("block", "pointer"),
    [
        (an_alert("x" * 3_000, level="warning"), None),
        (an_alert("x" * 3_001), "/view/blocks/0/text/text"),
        (an_alert(level="loud"), "/view/blocks/0/level"),
        (an_alert(accessory=button()), "/view/blocks/0/accessory"),
    ],
)
def test_alerts(block: Json, pointer: str | None) -> None:
    found = [problem.pointer for problem in view_problems(modal(block))]
    assert found == ([pointer] if pointer else [])


def test_alerts_are_for_modals_only() -> None:
    assert message_problems([an_alert()])
    assert view_problems({"type": "home", "blocks": [an_alert()]})
