"""The story of one execution: its entries, what others bear on it, and the texts that are left."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from crewgate.audit.check_evidence import Told, entry_of, escalated_to, people, rule_of
from crewgate.check.findings import say
from crewgate.domain.audit import digest_of, people_of
from crewgate.domain.masking import Masking
from crewgate.domain.review import Round
from crewgate.store.audit_reading import AuditReading

Entries = Sequence[sa.Row[Any]]


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that the trail and the database know of an execution."""

    crew: str
    execution_id: str
    own: Entries
    related: Entries
    """Absences of those for whom others decided, and starts with other reviewers."""
    rounds: Sequence[tuple[Round, Sequence[str]]]
    """Each with its texts that are still there."""
    rules: Mapping[str, Mapping[str, Any]]
    """By their ids, as they are stored, in the order in which entries name them."""
    masking: Masking

    @property
    def absent(self) -> set[str]:
        """The people for whom others decided."""
        return {away for row in self.own if (away := data_of(row).get("on_behalf_of"))}

    @cached_property
    def hiding(self) -> Masking:
        """The masking of texts that stand beside the execution's others."""
        return self.masking.also_those_in(text for _, some in self.rounds for text in some)

    def texts(self, round_: Round, some: Sequence[str]) -> dict[str, str]:
        """Return a round's texts by their digests, as they came and as people were shown them."""
        shown = [masking.text(text) for masking in (self.masking, self.hiding) for text in some]
        return {digest_of(text, round_.salt): text for text in (*some, *shown)}


async def read_story(
    reading: AuditReading, crew: str, execution_id: str, masking: Masking
) -> Story:
    own = await reading.of_execution(crew, execution_id)
    rules = await reading.rules([rule for row in own if (rule := data_of(row).get("rule"))])
    related: dict[int, sa.Row[Any]] = {}
    opened: dict[str, set[str]] = {}
    for row in own:
        data = data_of(row)
        if "reviewers" in data:
            opened[data["round"]] = {*data["reviewers"]}
        if "permitted" not in data:
            continue
        if away := data.get("on_behalf_of"):
            related |= {one.id: one for one in await reading.absences(away, row.id)}
        rule = rule_of(**rules[data["rule"]]) if data["rule"] else rule_of("{}", escalated=False)
        more = people(escalated_to(rule))
        permitted = {*data["permitted"]}
        if rule["reviewers"] is None and permitted != opened.get(data["round"], permitted) | more:
            starts = [
                one
                for one in await reading.starts(crew, row.id)
                if {*data_of(one).get("reviewers", [])} | more == permitted
            ]
            related |= {one.id: one for one in starts[:1]}
    return Story(
        crew=crew,
        execution_id=execution_id,
        own=own,
        related=[*related.values()],
        rounds=await reading.rounds(crew, execution_id),
        rules=rules,
        masking=masking,
    )


def show(story: Story) -> int:
    """Print a story, with the texts that are still there, masked."""
    texts = {
        digest: story.hiding.text(text)
        for round_, some in story.rounds
        for digest, text in story.texts(round_, some).items()
    }
    names = {one.id: one.name for round_, _ in story.rounds for one in people_of(round_)}
    rules = {name: rule_of(**one) for name, one in story.rules.items()}
    told = Told(texts, rules, names)
    say(f"Execution {story.execution_id} of {story.crew}")
    last = story.own[-1].id
    rows = [*story.own, *(row for row in story.related if row.id < last)]
    for row in sorted(rows, key=lambda row: row.id):
        body = json.loads(row.body)
        if "task" in body["data"]:
            body["data"]["task"] = story.hiding.text(body["data"]["task"])
        say(told.line(entry_of(body, row.number or 0)))
    return 0


def data_of(row: sa.Row[Any]) -> dict[str, Any]:
    return json.loads(row.body)["data"]  # type: ignore[no-any-return]
