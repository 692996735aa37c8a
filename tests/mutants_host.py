"""The mutants of the host's calls and secrets; `tests/mutants.py` has the others, and says how."""

from typing import Final

from tests.mutating import mutant

HOST: Final = (
    # --- hooks that fail
    mutant(
        "a call runs whose tool's names cannot be told",
        '        except Exception as error:\n            log.exception("call_refused"',
        '        except LookupError as error:\n            log.exception("call_refused"',
        "host/test_crewai.py",
    ),
    mutant(
        "a call runs in a thread of its own whose tool's names cannot be told",
        '        except Exception:\n            log.exception("call_refused"',
        '        except LookupError:\n            log.exception("call_refused"',
        "host/test_crewai.py",
    ),
    # --- equal calls
    mutant(
        "another try of a task knows of the first one's calls",
        "    token = _RUN.set(AgentRun(executor, _RUN.get()))",
        "    token = _RUN.set(vars(executor).setdefault('_run', AgentRun(executor, None)))",
        "host/test_repeated_calls.py",
    ),
    mutant(
        "no agent knows of its own calls",
        "            self.told = frozenset(self._returned)",
        "            self.told = frozenset()",
        "host/test_repeated_calls.py",
    ),
    mutant(
        "an agent knows what a server in doubt did",
        "if not outcome.in_doubt and (run := run_of(call.context.agent)) is not None:",
        "if (run := run_of(call.context.agent)) is not None:",
        "host/test_repeated_calls.py",
    ),
    mutant(
        "a coworker's call is known by the words of its task",
        'asker = "" if outermost is None else self._id_of(outermost)',
        "asker = task.description",
        "host/test_repeated_calls.py",
    ),
    mutant(
        "a flow's task is known by its plan",
        "            hosted.id_of(task)\n    _PLAN(crew)",
        "            str(task)\n    _PLAN(crew)",
        "host/test_repeated_calls.py",
    ),
    mutant(
        "two equal calls at once are both asked as the only one",
        "doubt = _doubt(ran, under_way=under_way)",
        "doubt = _doubt(ran, under_way=False)",
        "host/test_hooks.py",
    ),
    mutant(
        "a card without the warning lets a call run that was done",
        'elif may_have_run and not one.body["tool_call"].get("may_have_run"):',
        'elif may_have_run and not one.body["tool_call"]:',
        "host/test_hooks.py",
    ),
    mutant(
        "an approval without a digest is lost",
        'row["digest"] not in {None, one.call.digest}',
        'row["digest"] != one.call.digest',
        "host/test_approvals.py",
    ),
    mutant(
        "a call runs that is not stored as it was approved",
        'elif row["digest"] not in {None, one.call.digest}:',
        'elif row["digest"] == "":',
        "host/test_approvals.py",
    ),
    mutant(
        "an approval from before the warning lets a call run",
        "elif any(map(one.repeats_unseen, others)):",
        "elif not others:",
        "host/test_hooks.py",
    ),
    mutant(
        "people change a call into one that was done",
        "is_told = self.edited is None and self.body",
        "is_told = self.edited or self.body",
        "journeys/test_tool_calls.py",
    ),
    mutant(
        "an agent that knows the end of a call cannot make it again",
        "if it.task_id not in {task_id, *told}]",
        "if it.task_id != task_id]",
        "host/test_repeated_calls.py",
    ),
    mutant(
        "an upgrade loses the cards of waiting calls",
        "coalesce(json_extract(notification, '$.agent'), '') ELSE '' END",
        "role ELSE role END",
        "host/test_approvals.py",
    ),
    mutant(
        "a call that ran when the host ended goes on promising",
        "elif one.call is not None and one.may_have_run and one.outcome is None:",
        "elif one.call is None and one.may_have_run and one.outcome is None:",
        "host/test_approvals.py",
    ),
    mutant(
        "a default that is filled in anew makes another call",
        "both = {*self.filled_in} & {*other.filled_in}",
        "both = set[str]()",
        "host/test_equal_calls.py",
    ),
    mutant(
        "a default that the agent writes down makes another call",
        "return self.names == other.names and exact(ours) == exact(theirs)",
        "return self == other and exact(ours) == exact(theirs)",
        "host/test_equal_calls.py",
    ),
    mutant(
        "each thread of an execution that waits leaves a place",
        "leaves = execution_id not in self._left and not waiter.is_set()",
        "leaves = not waiter.is_set()",
        "host/test_waiters.py",
    ),
    mutant(
        "a place for an execution that has ended is kept for ever",
        "        if not woken:  # it has ended meanwhile",
        "        if woken == []:",
        "host/test_waiters.py",
    ),
    mutant(
        "a call is asked about that its ended execution will not make",
        "            _require_open(sql, execution_id)\n            sql.execute(\n"
        '                "INSERT INTO rounds',
        '            sql.execute(\n                "INSERT INTO rounds',
        "host/test_hooks.py",
    ),
    mutant(
        "a thread waits for a decision on a closed call",
        "is_over = not any(one.waits for one in self.rounds() if one.task_id == task_id)",
        "is_over = self._store.decision(self._id, task_id) is not None",
        "host/test_approvals.py",
    ),
    # --- MCP servers of the host
    mutant(
        "an approved call of a subclass is sent three times",
        "return isinstance(self.original, _library().MCPNativeTool)",
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
        "is_same = all(one is original for one in runs) and not _why_unclear(context)",
        "is_same = bool(runs) and not _why_unclear(context)",
        "host/test_crewai.py",
    ),
    mutant(
        "another function of a tool runs on its approval",
        "and all(one is door for one, door in pairs)",
        "and bool(hung)",
        "host/test_crewai.py",
    ),
    # --- secrets
    mutant(
        "a host tells its own secrets in webhooks",
        "shown = await asyncio.to_thread(_leaving, webhook, self._redactor)",
        "shown = webhook.body",
        "host/test_approvals.py",
        "host/test_secrets.py",
    ),
    mutant(
        "a host tells its own secrets in its answers",
        "shown, _ = await asyncio.to_thread(webhooks.without_secrets, body, redactor)",
        "shown = body",
        "host/test_secrets.py",
    ),
    mutant(
        "an id of a pause lacks a secret, so that nobody can answer it",
        "(one, 0) if name in _IDS else _clean(one, redactor)",
        "_clean(one, redactor)",
        "host/test_secrets.py",
    ),
    mutant(
        "arguments that lack a secret can be changed",
        '        shown["tool_call"].pop("schema", None)\n',
        "",
        "host/test_approvals.py",
    ),
    mutant(
        "an output that lacks a secret can be edited",
        '    if "resume_extensions" in shown:',
        "    if call:",
        "host/test_secrets.py",
    ),
    mutant(
        "a name that lacks a secret of the host is a name",
        'return "" if name and MARK in name else name',
        "return name",
        "crewai/test_notifications.py",
        "crewai/test_tool_calls.py",
    ),
    mutant(
        "an output does not count what the host took out",
        'erased=output.erased + read_count(members.get("erased"))',
        "erased=output.erased",
        "crewai/test_notifications.py",
    ),
)
