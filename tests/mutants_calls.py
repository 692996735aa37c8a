"""The mutants of approvals of calls; `tests/mutants.py` has the others, and says how."""

from typing import Final

from tests.mutating import mutant

CALLS: Final = (
    mutant(
        "an earlier approval lets a call run again and again",
        "if not self.has_run or has_run < approvals:",
        "if not self.has_run or was_tried or has_run < approvals:",
        "domain/test_acts.py",
    ),
    mutant(
        "a call without texts that ran is no alarm",
        "if self.removed_at is not None and result.contradicts is None:",
        "if self.removed_at is not None:",
        "domain/test_acts.py",
    ),
    mutant(
        "a result's words come back once the texts were removed",
        'result = replace(result, words="" if self.removed_at is not None else result.words)',
        "result = replace(result)",
        "domain/test_acts.py",
    ),
    mutant(
        "a refused call that its host announces again may have run",
        "if not (is_approved or before.may_have_run):",
        "if decision is None:",
        "usecases/test_approval_ends.py",
    ),
    mutant(
        "a refusal ends the doubt of an earlier approval",
        "if not (is_approved or before.may_have_run):",
        "if not is_approved:",
        "usecases/test_approval_ends.py",
    ),
    mutant(
        "a refused call counts as tried once more",
        "was_tried = latest.call_result is None and (is_approved or before.was_tried)",
        "was_tried = latest.call_result is None",
        "usecases/test_approval_ends.py",
    ),
    mutant(
        "a host whose clock was set back tells of a pause when its old time has come",
        "*(at, at + LONGEST_PAUSE, announcing,",
        "*(at, at + 1000 * LONGEST_PAUSE, announcing,",
        "host/test_outbox.py",
    ),
    mutant(
        "a host sends a webhook before its pause is over",
        "*(at, at + LONGEST_PAUSE, announcing,",
        "*(at, at, announcing,",
        "host/test_outbox.py",
    ),
    mutant(
        "a host sends a webhook that nobody took for days without a pause",
        "2 ** min(due.tries, 30), LONGEST_PAUSE)",
        "2**due.tries, LONGEST_PAUSE)",
        "host/test_outbox.py",
    ),
    mutant(
        "a host's pauses grow for a minute only",
        "2 ** min(due.tries, 30), LONGEST_PAUSE)",
        "2 ** min(due.tries, 6), LONGEST_PAUSE)",
        "host/test_outbox.py",
    ),
    mutant(
        "a secret that is taken out of an output is no caveat",
        "return replace(after, erased=before.erased + count)",
        "return replace(after, erased=before.erased)",
        "usecases/test_carried_secrets.py",
    ),
    mutant(
        "a secret's name with a number hides nothing",
        "return is_credential(name) or _SECRET_WORD.search(name) is not None",
        "return is_credential(name)",
        "domain/test_secret_values.py",
    ),
    mutant(
        "an output's value of another type counts as no match",
        "return matches_glob(wanted, text, exactly=exactly) or None",
        "return matches_glob(wanted, text, exactly=exactly)",
        "domain/rules/test_conditions.py",
    ),
    mutant(
        "a card whose arguments were replaced is silent about the new ones",
        "    if view.round.state is State.SUPERSEDED and view.after is not None:",
        "    if view.round.state is State.CLOSED and view.after is not None:",
        "slack/reviews/test_tool_calls.py",
    ),
    mutant(
        "the check mark is silent about what an approver left unseen",
        '        given = f"{given}; {unseen}" if unseen else given\n',
        "",
        "slack/reviews/test_tool_calls.py",
    ),
    mutant(
        "arguments of another channel's card are shown",
        "if newer.round.rule.channel != round_.rule.channel or newer",
        "if newer",
        "store/test_store.py",
    ),
    mutant(
        "an approval of a call never ends",
        "if round_.has_expired(context.clock()):",
        "if round_.removed_at:",
        "usecases/test_approval_ends.py",
    ),
    mutant(
        "a try in doubt is asked about as one that did not run",
        "await _ask_anew(tx, expired, context, may_have_run=round_.in_doubt)",
        "await _ask_anew(tx, expired, context, may_have_run=False)",
        "usecases/test_approval_ends.py",
    ),
    mutant(
        "each 400 is about arguments",
        "case ToolCall(), State.STUCK, Refused(kind=RefusalKind.ARGUMENTS):",
        'case ToolCall(), State.STUCK, Refused(code="400"):',
        "usecases/test_approval_ends.py",
    ),
    mutant(
        "a call that ran is no evidence before its round is stuck",
        "case State.DECIDED | State.STUCK | State.CLOSED if self.in_doubt and approved:",
        "case State.STUCK if self.in_doubt and approved:",
        "usecases/test_approval_ends.py",
    ),
    mutant(
        "a decision that was fetched serves again",
        "case (State.RESUMED, Fetched()) | (State.STUCK, NotFetched()):",
        "case (State.STUCK, NotFetched()):",
        "usecases/test_fetch.py",
    ),
    mutant(
        "a restored host is told nothing",
        "is_asked_anew = notification.call is not None and latest.state is State.RESUMED",
        "is_asked_anew = notification.call is not None and latest.state is State.SUPERSEDED",
        "usecases/test_approval_ends.py",
    ),
    mutant(
        "a try is forgotten once its host seemed gone",
        "was_sent = latest.state is State.RESUMED or latest.in_doubt",
        "was_sent = latest.state is State.RESUMED",
        "usecases/test_approval_ends.py",
    ),
    mutant(
        "a try in doubt counts as one that was refused",
        "is_approved = was_sent and decision is not None and decision.is_approve",
        "is_approved = latest.call_result is not None",
        "usecases/test_approval_ends.py",
    ),
    mutant(
        "an alarm without a thread is dropped",
        "in (State.WAITING, State.STUCK) or round_.contradiction is not None",
        "in (State.WAITING, State.STUCK)",
        "usecases/test_calls.py",
    ),
    mutant(
        "an alarm about a call of a flood is dropped",
        "if round_.state is not State.WAITING:\n            await tx.enqueue([round_",
        "if round_.state is State.STUCK:\n            await tx.enqueue([round_",
        "usecases/test_calls.py",
    ),
    mutant(
        "an asker is given the decision on a newer round",
        "if number < first.number:",
        "if number < 1:",
        "usecases/test_fetch.py",
    ),
    mutant(
        "a call's secrets are shown",
        "found += ((*span, Kind.SECRET) for span in find_secret_values(text))",
        "found += ()",
        "usecases/test_calls.py",
    ),
    mutant(
        "a call with erased passages counts as read",
        "        if self.erased:\n            yield Unseen.ERASED",
        "        if self.erased > 9:\n            yield Unseen.ERASED",
        "usecases/test_calls.py",
    ),
    mutant(
        "an argument that people are not shown counts as never there",
        "{path for path in self.arguments if not facts.has(path)}",
        "{path for path in self.arguments if facts.is_hidden(path) or not facts.has(path)}",
        "check/test_calls.py",
    ),
    mutant(
        "a rule's calls are looked for in work too",
        "Replay(engine).since(now - timedelta(days=DAYS), only_calls=True)",
        "Replay(engine).since(now - timedelta(days=DAYS))",
        "check/test_calls.py",
    ),
    mutant(
        "a refusal of changed arguments is sent with the arguments",
        "if isinstance(round_.subject, ToolCall) and is_refused:",
        "if False and is_refused:",
        "usecases/test_calls.py",
    ),
    mutant(
        "a revision of a person's own text is sent without the text",
        "if isinstance(round_.subject, ToolCall) and is_refused:",
        "if is_refused:",
        "usecases/test_edit.py",
    ),
    mutant(
        "a rule's refusal stands below the first argument",
        "if one in refused.arguments), 0)",
        "if one in refused.arguments[:0]), 0)",
        "journeys/test_tool_calls.py",
    ),
    mutant(
        "a rule reads what people are not shown",
        "return is_masked or self.is_erased",
        "return False",
        "domain/rules/test_calls.py",
    ),
    # --- docs/gate.py
    mutant(
        "a gate's tool gets other arguments than were approved",
        "        if json.dumps(_sent(self._tool, values), sort_keys=True) != self._exact:",
        "        if self._exact is None:",
        "host/test_gated_crews.py",
    ),
    mutant(
        "a gate's approved call is sent to an MCP server three times",
        "client.max_retries, client.execution_timeout = 1, passage.seconds",
        "client.execution_timeout = passage.seconds",
        "host/test_gated_crews.py",
    ),
    mutant(
        "a gate whose patterns fit nothing believes in unknown tools",
        "self._fits_a_tool = known or self.fits(_names(*_asked(context)))",
        "self._fits_a_tool = known or bool(_asked(context))",
        "host/test_gated_crews.py",
    ),
    # --- MCP servers of the host
    mutant(
        "an approved call of a subclass is sent three times",
        "return isinstance(self._original, MCPNativeTool)",
        "return self.to_server",
        "host/test_crewai.py",
    ),
    mutant(
        "an adapter's result reads as success",
        "words, unsure=returns_errors)",
        "words, unsure=False)",
        "host/test_crewai.py",
    ),
    mutant(
        "tools of a server that was silent run unasked",
        "    if patterns and is_of(original_of(context.tool), _HELD):",
        "    if not patterns:",
        "host/test_servers.py",
    ),
    mutant(
        "a server by URL alone is served",
        "for tool in found.by_url:",
        "for tool in found.by_url[:0]:",
        "host/test_refusals.py",
    ),
    mutant(
        "a nested default reads as the agent's",
        'yield from _filled_in(inner, raw, made[name], f"{path}{name}.")',
        "yield from ()",
        "host/test_crewai.py",
    ),
    mutant(
        "a card leaves out what was filled in below an argument",
        "if one in known or not isinstance(part_of(known, one), HiddenValue)",
        "if one in known",
        "crewai/test_tool_calls.py",
    ),
    # --- a tool that is replaced
    mutant(
        "another tool of its name runs on an approval",
        "is_same = all(one is original for one in runs) and not _is_one_of_several(context)",
        "is_same = bool(runs) and not _is_one_of_several(context)",
        "host/test_crewai.py",
    ),
    mutant(
        "another function of a tool runs on its approval",
        "and all(one is door for one, door in pairs)",
        "and bool(hung)",
        "host/test_crewai.py",
    ),
    # --- the names of a tool
    mutant(
        "a rule does not find an MCP server's own name",
        "return (self.tool,) if exactly else (self.tool, *self.other_names)",
        "return (self.tool,)",
        "domain/rules/test_calls.py",
    ),
    mutant(
        "a rule allows the tool of any MCP server",
        "return (self.tool,) if exactly else (self.tool, *self.other_names)",
        "return (self.tool, *self.other_names)",
        "domain/rules/test_calls.py",
    ),
    mutant(
        "time approves the tool of any MCP server",
        "and not (call.other_names and not matches_glob(pattern, call.tool))",
        "and pattern is not None",
        "domain/rules/test_calls.py",
    ),
    mutant(
        "an entry lacks a tool's further names",
        '**({"other_names": others} if others else {})}',
        "}",
        "usecases/test_calls.py",
    ),
    mutant(
        "a card shows a tool's longest name",
        "return min((self.tool, *filter(None, self.other_names)), key=len)",
        "return self.tool",
        "slack/reviews/test_tool_calls.py",
    ),
    # --- values that hide
    mutant(
        "a value that comparing reads is approved",
        "            if isinstance(plain, dict | list):",
        "            if isinstance(plain, dict):",
        "host/test_crewai.py",
    ),
    mutant(
        "a secret of any type is compared by its mask",
        '        case _ if hasattr(value, "get_secret_value"):',
        '        case _ if type(value).__name__ == "SecretStr":',
        "host/test_crewai.py",
    ),
    mutant(
        "a gate takes a decision on any round",
        "        this = f\"&round={posted['round']}\"",
        '        this = ""',
        "journeys/test_gate.py",
    ),
    mutant(
        "a gate's approval is for any tool of a name",
        "is_same = all(one is original for one in runs) and not _why_no_door(context)",
        "is_same = not _why_no_door(context)",
        "host/test_gated_crews.py",
    ),
    mutant(
        "a gate takes an approval that has ended",
        "    if end is not None and _seconds(end) <= time.time():",
        "    if end is not None and _seconds(end) <= 0:",
        "journeys/test_gate.py",
    ),
)
