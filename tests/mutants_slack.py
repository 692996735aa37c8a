"""The mutants of what people see in Slack; `tests/mutants.py` has the others, and says how."""

from typing import Final

from tests.mutating import mutant

SLACK: Final = (
    mutant(
        "a NUL that a person sent goes to the database",
        're.sub("[\\0\\ud800-\\udfff]"',
        're.sub("[\\ud800-\\udfff]"',
        "slack/test_payloads.py",
    ),
    mutant(
        "half a character in a sent form goes to the database",
        'return str(block_id), _storable(entered[ids.FEEDBACK].get("value"))',
        'return str(block_id), str(entered[ids.FEEDBACK].get("value") or "")',
        "slack/test_payloads.py",
    ),
    mutant(
        "a card is silent about masks that an approver left unseen",
        "    if vote.masks_unseen:\n",
        "    if False:\n",
        "slack/reviews/test_history.py",
    ),
    mutant(
        "the page under the press takes no time to read",
        "return Look(began, began + characters * PER_CHARACTER)",
        "return Look(began, began)",
        "domain/test_caveats.py",
    ),
    mutant(
        "text that stood on the card has to be read again",
        "unread = characters - max(characters * position.known // caveats.WHOLE, before)",
        "unread = characters - before",
        "journeys/test_haste.py",
    ),
    mutant(
        "a question about haste forgets the time",
        "turned=HastyReading(int(turned[1]), int(turned[2])) if turned else None,",
        "turned=None,",
        "journeys/test_walk.py",
    ),
    mutant(
        "a number is cut inside a line",
        "at = whole_character(text, before_number(text, at))",
        "at = whole_character(text, at)",
        "slack/blockkit/test_text.py",
    ),
    mutant(
        "check says that people decide what a rule decides alone",
        "    if rule.decide is not None:\n        yield",
        "    if False:\n        yield",
        "check/test_rules.py",
    ),
    mutant(
        "a letter of another script passes unnamed",
        "if len(counts) < 2:  # noqa: PLR2004  # a word of one script",
        "if len(counts) < 4:  # noqa: PLR2004  # a word of one script",
        "slack/reviews/test_tool_calls.py",
    ),
    mutant(
        "a value in Home passes for another argument",
        "if _MARKUP.search(text):",
        "if False:",
        "slack/reviews/test_tool_calls.py",
    ),
    mutant(
        "a number at the end of a cut call is shown",
        "        if end == len(text):\n            break",
        "        if end > len(text):\n            break",
        "domain/test_acts.py",
    ),
    mutant(
        "a card is silent about what a rule decided on",
        "        return _of_rule(view, decision)",
        "        return []",
        "slack/reviews/test_tool_calls.py",
    ),
    mutant(
        "somebody is shown an Approve that cannot count",
        "is_refused = is_barred and reader and not round_.subject.takes_answers",
        "is_refused = False",
        "slack/reviews/test_standing.py",
    ),
    mutant(
        "a page says nothing of the rule",
        "        view = await _for_viewer(view, by, context)\n    elif",
        "        pass\n    elif",
        "journeys/test_rules.py",
    ),
    mutant(
        "a form is silent about the rule",
        "    viewer = view.viewer\n    if viewer is None or",
        "    viewer = view.viewer\n    if viewer is not None or",
        "slack/reviews/test_standing.py",
    ),
    mutant(
        "a row in Home says nothing of the starter who may not approve",
        "known += [cards.not_their_own(line), cards.nobody_there(line)]",
        "known += [cards.nobody_there(line)]",
        "slack/reviews/test_standing.py",
    ),
    mutant(
        "a starter is offered Approve in Home",
        "                started_by=or_none(to_starters, row) or (),\n",
        "",
        "journeys/test_standing.py",
    ),
    mutant(
        "a delegate is offered to approve for the starter",
        "if user in starters or not rights - {*starters}:",
        "if user in starters:",
        "usecases/test_counts.py",
    ),
    mutant(
        "a card does not say what a tool filled in",
        "for one in call.filled_in]",
        "for one in ()]",
        "slack/reviews/test_tool_calls.py",
    ),
    mutant(
        "a call that is known to have run may have run, says its card",
        "ToolCall(may_have_run=True, earlier=None, was_tried",
        "ToolCall(may_have_run=True, was_tried",
        "slack/reviews/test_tool_calls.py",
    ),
    mutant(
        "pages and forms are silent about a call that may have run",
        'return f"{first}\\n{again}" if again else first',
        "return first",
        "slack/reviews/test_tool_calls.py",
    ),
    mutant(
        "any modal counts as saying that a call may have run",
        "    if press.where is Where.CARD:  # a card",
        "    if press.where is not Where.HOME:  # a card",
        "journeys/test_tool_calls.py",
    ),
    mutant(
        "a post whose answer was lost is posted again",
        "if found is not None:\n                return MessageRef(channel, found,",
        "if found == key:\n                return MessageRef(channel, found,",
        "slack/client/test_posting.py",
        "slack/client/test_search.py",
    ),
    mutant(
        "requests of other workspaces are let through",
        "if identity.is_own_team(context.team_id, context.enterprise_id):",
        "if identity.is_own_team(context.team_id, context.enterprise_id) or identity.is_known:",
        "slack/test_teams.py",
    ),
    mutant(
        "agents mention everybody",
        'return _TOKEN.sub(rf"\\g<0>{JOINER}", text)',
        "return text",
        "slack/blockkit/test_text.py",
    ),
    mutant(
        "a character outside the BMP counts as one",
        'else len(text.encode("utf-16-le", "surrogatepass")) // 2',
        "else len(text)",
        "slack/blockkit",
        "slack/words/test_names.py",
    ),
    mutant(
        "buttons of a call say no recipient",
        'name = "to" if "to" in arguments else next(iter(arguments), "")',
        'name = ""',
        "slack/test_spoken.py",
    ),
    mutant(
        "what is gone is told by its style alone",
        'space = f" (gone){space}"',
        "pass",
        "slack/reviews/test_changes.py",
    ),
    mutant(
        "words on a call send it back",
        "        case verdict.Revise(words), ToolCall():",
        "        case verdict.Revise(words), None:",
        "domain/test_answering.py",
    ),
    mutant(
        "an edited call reads as an approved text",
        "via = verdict.Via.CHANGE if decision.via is verdict.Via.EDIT else decision.via",
        "via = decision.via",
        "usecases/test_calls.py",
    ),
    mutant(
        "time approves no further subject",
        "case TimeoutAction.APPROVE, _:\n            return verdict.Approve()",
        "case TimeoutAction.APPROVE, ToolCall():\n            return verdict.Approve()",
        "slack/words/test_subjects.py",
    ),
    mutant(
        "a further subject has the headline of an output",
        'return f"{name} {wording(round_).headline}"',
        'return f"{name} is ready for review"',
        "slack/words/test_subjects.py",
    ),
    mutant(
        "two of two edits are counted as all",
        "if fate.taken == fate.asked == 2:",
        "if fate.taken == fate.asked == 99:",
        "slack/reviews/test_comparison.py",
    ),
    mutant(
        "a library's settings stand in the host's log",
        '"asyncio", "crewai_core"',
        '"asyncio"',
        "test_logs.py",
    ),
)
