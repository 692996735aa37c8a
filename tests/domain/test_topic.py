"""The topics by which people tell executions apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.execution import TOPIC_LIMIT
from crewgate.domain.notification import Given
from tests.builders import ANA, BEN, an_execution

ID = "b5b275c2-1e38-4d58-8361-08609a3d2bf8"
TOPIC = (("topic", "home batteries"),)


@pytest.mark.parametrize(
    ("inputs", "meta", "topic"),
    [
        (TOPIC, (), "home batteries"),
        (TOPIC, (("ticket", "T-1"),), "home batteries"),
        ((), (("ticket", "T-1"),), "T-1"),
        ((), (), "b5b275c2"),
        ((("a", "tea"), ("b", "Kenya"), ("c", "2026"), ("d", "more")), (), "tea, Kenya, 2026"),
        ((("a", "two\n lines  here"),), (), "two lines here"),
        ((("contract", "x" * 61), ("customer", "Acme")), (), "Acme"),
        ((("contract", "x" * 61),), (("customer", "Acme"),), "Acme"),
        ((("customer", "x" * 40), ("product", "y" * 40)), (), "x" * 40),
        ((("draft", "true"), ("lead", " "), ("rows", '[{"a": 1}]')), (), "b5b275c2"),
    ],
)
def test_the_topic_is_what_it_was_started_on(inputs: Given, meta: Given, topic: str) -> None:
    execution = an_execution(execution_id=ID, inputs=inputs, meta=meta)

    assert execution.topic == topic
    assert execution.given == (inputs or meta)


texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=90)


@given(st.lists(st.tuples(texts, texts), max_size=6).map(tuple))
def test_a_topic_is_one_short_line_whatever_was_given(inputs: Given) -> None:
    topic = an_execution(inputs=inputs).topic

    assert 0 < len(topic) <= TOPIC_LIMIT
    assert len(topic.splitlines()) == 1


def test_what_is_known_stays_and_what_is_new_is_added() -> None:
    known = an_execution().with_origin(carried=(("ticket", "T-1"),))
    assert known.with_origin(carried=(("ticket", "T-2"),)) == known

    started = known.with_origin(starter=ANA, inputs=TOPIC)

    assert (started.starter, started.inputs, started.meta) == (ANA, TOPIC, known.meta)
    assert started.with_origin() == started
    assert started.with_origin(inputs=(("topic", "x"),), meta=(("ticket", "T-3"),)) == started
    again = started.with_origin(starter=BEN)
    assert (again.starter, again.also_started) == (ANA, (BEN.id,))
