"""The link to a run: ids stay inside the part of the address where the settings put them."""

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_crew

TEMPLATE = "https://runs.example.com/{crew}/{execution_id}/view?of={task_id}&all=1#{execution_id}"
CREW = a_crew(run_url=TEMPLATE)
ids = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [
        ".",
        "..",
        "../..",
        "a/b",
        "@evil.example",
        "?of=b&all=0",
        "{task_id}",
        "a|b>",
        "%2e%2e",
        "a b",
    ]
)


@given(ids, ids)
def test_an_id_changes_nothing_but_its_own_place(execution: str, task: str) -> None:
    link = CREW.run_link(execution, task)
    if not execution.strip(".") or not task.strip("."):
        assert link == ""
        return
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc) == ("https", "runs.example.com")
    assert [*map(unquote, parts.path.split("/"))] == ["", "research", execution, "view"]
    assert parse_qsl(parts.query) == [("of", task), ("all", "1")]
    assert unquote(parts.fragment) == execution
    assert link.isascii()
    assert not set(link) & set("<>| {}")


@pytest.mark.parametrize(
    ("template", "link"),
    [
        ("", ""),
        ("https://runs.example.com/", "https://runs.example.com/"),
        ("https://runs.example.com/{execution_id}", "https://runs.example.com/e-1"),
        ("https://runs.example.com/{execution_id}/{task_id}", ""),
    ],
)
def test_a_link_needs_the_ids_that_it_names(template: str, link: str) -> None:
    assert a_crew(run_url=template).run_link("e-1") == link


def test_a_letter_that_utf_8_does_not_have_is_no_error() -> None:
    assert a_crew(run_url="https://a.example/{execution_id}").run_link("\ud800") == (
        "https://a.example/%3F"
    )
