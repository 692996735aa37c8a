"""`python -m tests.mutants [--find] [NAME …]`: break the code in known places.

The tests must notice each. Not a part of `make test`: each mutant is a run of the tests that hold
its behaviour, in a copy of the checkout. A mutant is known by the text that it replaces, which
stands once below `bot/`, so it survives a file that moves; where a change rewrites that text, its
mutant is rewritten with it. Exits with 1 if one is not noticed, or its text is not found; `--find`
looks for the texts alone, also for those of `tests.simulation --mutants`.
"""

import sys
from typing import Final

from tests.mutants_audit import AUDIT
from tests.mutants_calls import CALLS
from tests.mutants_host import HOST
from tests.mutants_queue import QUEUE
from tests.mutants_rules import RULES
from tests.mutants_simulated import RACED, SIMULATED
from tests.mutants_slack import SLACK
from tests.mutating import main, mutant

MUTANTS: Final = (
    # --- domain
    mutant(
        "one vote less is enough",
        "if len(votes) < self.rule.approvals and votes:",
        "if len(votes) < self.rule.approvals - 1 and votes:",
        "domain/test_votes.py",
    ),
    mutant(
        "one person approves for several",
        "if decision.is_approve and self.rule.approvals > 1:",
        "if decision.is_approve and self.rule.approvals > 99:",
        "domain/test_votes.py",
    ),
    mutant(
        "a delegate's vote counts beside the absent person's",
        "if before.voices & vote.voices:",
        "if before.by.id == vote.by.id:",
        "domain/test_votes.py",
    ),
    mutant(
        "only the delegate takes a vote back",
        "if user not in vote.voices",
        "if user != vote.by.id",
        "domain/test_votes.py",
    ),
    mutant(
        "a decision that was surely not sent counts as taken",
        "return self._infer(at) if self.in_doubt else self._close_for(reasons.NeverSent(), at)",
        "return self._infer(at)",
        "domain/test_receive.py",
        "domain/test_settle.py",
    ),
    mutant(
        "the same output after a Revise that was not sent is a new round",
        "return latest.in_doubt and _asked_for_changes(latest)",
        "return _asked_for_changes(latest)",
        "domain/test_receive.py",
    ),
    mutant(
        "a claim that changed hands is not asked about again",
        "and (self.claim is None or self.claim.by.id == seen.claimed_by)",
        "and (self.claim is None or bool(seen.claimed_by))",
        "domain/test_caveats.py",
    ),
    mutant(
        "a refusal after doubt loses the doubt",
        "surely_not = self if in_doubt else replace(self, in_doubt_since=None)",
        "surely_not = replace(self, in_doubt_since=None)",
        "domain/test_settle.py",
    ),
    mutant(
        "secrets in JSON in JSON are shown",
        "yield escape(escape(text))",
        "yield escape(text)",
        "domain/test_redaction.py",
    ),
    mutant(
        "a name with a secret is shown with a mark, and fits other rules",
        'return came if came == shown else ""',
        "return shown",
        "domain/test_known_secrets.py",
    ),
    mutant(
        "a mark that an output came with hides a replacement",
        "erased = came.erased + count + more",
        "erased = came.erased + count + more - came.text.count('[redacted]')",
        "domain/test_known_secrets.py",
    ),
    mutant(
        "progress lines lose the paths of all addresses",
        'return f"{begin}{host}" if is_meant else found[0]',
        'return f"{begin}{host}"',
        "domain/test_redaction.py",
    ),
    mutant(
        "an effect's names are not quoted",
        'one.replace("%", "%25").replace(" ", "%20") for one in fields',
        "one for one in fields",
        "domain/test_values.py",
    ),
    mutant(
        "the strings of a call are not read as parsed",
        "strings = () if self.call is None else tuple(_strings_in(self._json))",
        "strings = ()",
        "domain/rules/test_calls.py",
    ),
    mutant(
        "an edit loses an option of its rule",
        '*("target", "remind", "working_hours"),',
        '*("target", "remind"),',
        "domain/rules/test_stricter.py",
    ),
    mutant(
        "an edit gives delegates a right",
        "delegation=one.delegation and other.delegation,",
        "delegation=one.delegation or other.delegation,",
        "domain/rules/test_stricter.py",
    ),
    # --- use cases
    mutant(
        "an uncertain right of an earlier voter lapses",
        "if not refused.uncertain:",
        "if True:",
        "usecases/test_lapsed_votes.py",
    ),
    mutant(
        "guests decide where anyone may",
        "guests = role is Role.READER\n        is_in =",
        "guests = True\n        is_in =",
        "usecases/test_access.py",
    ),
    mutant(
        "activity is no evidence",
        "moved = left in round_.review.names or since > heard.named",
        "moved = left in round_.review.names",
        "usecases/test_evidence.py",
        "usecases/delivery/test_resume_unknown.py",
    ),
    mutant(
        "another task's webhooks are evidence",
        "or since > heard.named",
        "or since > 0",
        "usecases/test_beside.py",
    ),
    mutant(
        "a decision of old leaves its timers",
        "if round_.state is not State.WAITING:\n        await cancel(tx, round_)",
        "if round_.state is State.WAITING:\n        await cancel(tx, round_)",
        "usecases/delivery/test_reminders.py",
        "usecases/delivery/test_time_out.py",
    ),
    mutant(
        "notes that wait are not asked about",
        "if not caveats.all_in(seen):",
        "if not caveats.all_in(seen) and caveats.is_excerpt:",
        "usecases/test_confirm.py",
    ),
    mutant(
        "an older status outdates a newer one",
        "execution.asked_at is not None and asked_at < execution.asked_at:",
        "execution.asked_at is not None and asked_at > execution.asked_at:",
        "usecases/test_evidence.py",
    ),
    mutant(
        "a destination that is away is asked eight times at once",
        "free = (1 if self._failures else self.pace.at_once) - len(self._under_way)",
        "free = self.pace.at_once - len(self._under_way)",
        "usecases/delivery/test_worker_failures.py",
        "usecases/delivery/test_worker.py",
    ),
    mutant(
        "a lesson's card shows lessons of other channels",
        "if channels.get(rules[one.id]) == round_.rule.channel]",
        "if one.id]",
        "usecases/test_lessons.py",
    ),
    mutant(
        "a lesson's card is silent about lessons of other channels",
        "beside_elsewhere=len(others) - len(here),",
        "beside_elsewhere=0,",
        "usecases/test_lessons.py",
    ),
    mutant(
        "a call that may have run is approved by one press anywhere",
        "        if self.may_have_run:\n            yield",
        "        if False:\n            yield",
        "usecases/test_calls.py",
    ),
    mutant(
        "a refused call that ran is no alarm",
        "else:\n            why = Contradiction.UNDECIDED if",
        "else:\n            why = None if approved is False else Contradiction.UNDECIDED if",
        "domain/test_acts.py",
    ),
    mutant(
        "a call that ran twice is no alarm",
        "            why = Contradiction.AGAIN\n",
        "            return self\n",
        "domain/test_acts.py",
    ),
    mutant(
        "credentials that odd JSON loses are not counted",
        "return replace(read_output(shown), erased=erased)",
        "return read_output(shown)",
        "crewai/test_outputs.py",
    ),
    *AUDIT,
    mutant(
        "two edits of one lesson are in force",
        "while old and old.state is LessonState.REPLACED:",
        "while False:",
        "usecases/test_lessons.py",
    ),
    mutant(
        "lessons of other rules are shown as given",
        "if of.get(one) in rules.get(review.crew, ())",
        "if of.get(one) is not None",
        "usecases/test_lessons.py",
    ),
    mutant(
        "a proposal outlives the texts of its review",
        "lessons.c.crew == _CREW, _IS_PROPOSED, lessons.c.round_id",
        "lessons.c.crew == _CREW, sa.false(), lessons.c.round_id",
        "usecases/test_lessons.py",
    ),
    mutant(
        "nobody is told that a lesson's time is over",
        "await tx.enqueue([end], at=at, due_at=lesson.expires_at)",
        "pass",
        "usecases/test_lessons.py",
    ),
    mutant(
        "a task that works on changes does not run beside",
        "rounds.c.is_approve.is_(False),\n        rounds.c.is_act",
        "rounds.c.is_approve.is_(True),\n        rounds.c.is_act",
        "usecases/test_beside.py",
    ),
    mutant(
        "tasks that waited at once do not run beside",
        "_one.c.opened_at <= _other.c.opened_at,",
        "_one.c.opened_at > _other.c.opened_at,",
        "usecases/test_beside.py",
    ),
    mutant(
        "the crew waits for no dismissed decision",
        '(rounds.c.reason == "dismissed")',
        '(rounds.c.reason == "no reason")',
        "usecases/test_beside.py",
    ),
    # --- acts, fetched decisions
    mutant(
        "a rule refuses no call",
        "by_rule = verdict.Approve() if allows else verdict.Refuse(rule.reason)",
        "by_rule = verdict.Approve()",
        "usecases/test_calls.py",
    ),
    mutant(
        "an unchanged argument is read anew",
        "if value is None or value == shown_value(old):",
        "if value is None:",
        "domain/test_acts.py",
    ),
    mutant(
        "the answer to a flow is fetched",
        "if latest is None or latest.is_of_flow or not",
        "if latest is None or not",
        "usecases/test_fetch.py",
    ),
    mutant(
        "an asker that has hung up has its decision",
        "(State.DECIDED, State.STUCK) and is_there():",
        "(State.DECIDED, State.STUCK):",
        "usecases/test_fetch.py",
    ),
    # --- lessons
    mutant(
        "a wish is compared with the longer text",
        ">= _IN_COMMON * min(len(first), len(second))",
        ">= _IN_COMMON * max(len(first), len(second))",
        "domain/test_lessons.py",
    ),
    # --- walk, morning, samples
    mutant(
        "a walk counts what came in it in no total",
        "total=max(number, walk.total))",
        "total=walk.total)",
        "journeys/test_walk.py",
    ),
    mutant(
        "the walk begins at its first review again and again",
        "replace(waiting, after=after, without=without)",
        "replace(waiting, without=without)",
        "journeys/test_walk.py",
    ),
    mutant(
        "a morning has two lines",
        "is_over = self.on(day) <= now or self.told >= day.toordinal()",
        "is_over = self.on(day) <= now",
        "domain/test_morning.py",
    ),
    mutant(
        "a morning line is due again at its own moment",
        "is_over = self.on(day) <= now or",
        "is_over = self.on(day) < now or",
        "domain/test_morning.py",
    ),
    mutant(
        "a sample reads none of a task's first rounds",
        "if seen[one.task] > after and",
        "if seen[one.task] > 0 and",
        "domain/test_stats.py",
    ),
    mutant(
        "a sample reads the rounds that it leaves out",
        "number >= share * 2**256",
        "number < share * 2**256",
        "domain/test_stats.py",
    ),
    # --- store
    mutant(
        "a row that cannot be read stays in the lane",
        "await engine.write(connection, _UNREADABLE, unread)",
        "pass",
        "store/test_outbox_lanes.py",
    ),
    mutant(
        "a job overtakes an earlier one of its key",
        "(_other.c.id < outbox.c.id)",
        "(_other.c.id < 0)",
        "store/test_outbox.py",
    ),
    mutant(
        "a lost lease completes another's job",
        'lease_until == sa.bindparam("b_lease", type_=tables.outbox.c.lease_until.type),',
        "lease_until.is_not(None),",
        "store/test_outbox.py",
    ),
    mutant(
        "a round is saved over a newer one",
        'rounds.c.version == sa.bindparam("b_version")',
        'rounds.c.version <= sa.bindparam("b_version") + 99',
        "store/test_store.py",
    ),
    mutant(
        "an exception keeps what its transaction changed",
        "turn.over.set_result(is_kept)",
        "turn.over.set_result(True)",
        "store/test_sqlite_writer.py",
    ),
    mutant(
        "whoever waits goes on before the commit",
        "await turn.durable",
        "await asyncio.sleep(0)",
        "store/test_sqlite_writer.py",
    ),
    mutant(
        "a job is leased before its card is posted",
        "~_WAITS_FOR_CARD,",
        "",
        "store/test_outbox_lanes.py",
    ),
    *CALLS,
    *HOST,
    *RULES,
    *SLACK,
    mutant(
        "a HEAD fetches a decision",
        "        allow_head=False,\n",
        "",
        "web/test_decisions.py",
    ),
    mutant(
        "idle connections alone make room",
        "of, most = max(holders.items(), key=lambda holder: len(holder[1]))",
        'of, most = "", self._idle',
        "network/test_connections.py",
    ),
    mutant(
        "a closed connection makes room once more",
        "self._bodies.drop(connection)",
        "pass",
        "network/test_connections.py",
    ),
    mutant(
        "the bodies of one crew take any memory",
        "self.size + length > bodies.small and bodies.held[self.of] + length > bodies.room",
        "False",
        "network/test_request_body.py",
    ),
    mutant(
        "a body that is answered later takes no room",
        "self.size += length\n        bodies.held[self.of] += length",
        "pass",
        "network/test_request_body.py",
    ),
    mutant(
        "a wrong clock is called a wrong secret",
        "made is not None and compare_digest(",
        "made is None and compare_digest(",
        "web/test_slack_events.py",
    ),
    mutant(
        "a locked database is right",
        '("BEGIN IMMEDIATE")\n        await connection.rollback()',
        '("SELECT 1")\n        await connection.rollback()',
        "check/test_database.py",
    ),
    mutant(
        "polls of one crew keep out those of others",
        "if many <= counts[of] + 1:",
        "if many:",
        "usecases/test_fetch.py",
    ),
    *QUEUE,
    # --- crewai and web
    mutant(
        "a page in a browser on this machine reads the details",
        "_OWN_HOST.fullmatch(request.host) is not None",
        "True",
        "web/test_health.py",
    ),
    mutant(
        "a host's name that begins like this machine's is this machine",
        "_OWN_HOST.fullmatch(",
        "_OWN_HOST.match(",
        "web/test_health.py",
    ),
    mutant(
        "anybody reads the metrics",
        "if not allows(request):",
        "if not request:",
        "journeys/test_metrics.py",
    ),
    mutant(
        "every 404 is a crew's own",
        "gone = answer.status == HTTPStatus.NOT_FOUND and payloads.is_crews_own(answer.body)",
        "gone = answer.status == HTTPStatus.NOT_FOUND",
        "crewai/test_client_status.py",
    ),
    mutant(
        "a 502 counts as not sent",
        "case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:",
        "case 429 | 502 | 503:",
        "crewai/test_client.py",
    ),
    mutant(
        "link-local addresses are called",
        "return _is_public(found) or (private and _is_in(found, _PRIVATE))",
        "return _is_public(found) or private",
        "crewai/test_webhook_forwarder.py",
        "crewai/test_flow_callback.py",
    ),
    mutant(
        "any user of Basic is the crew",
        "return _is_same(given.password, secret) and right_user",
        "return _is_same(given.password, secret)",
        "web/test_credentials.py",
    ),
    # --- the host
    mutant(
        "a tool gets other arguments than were approved",
        "self.differs = exact(_as_sent(self._tool, arguments)) != self._exact",
        "self.differs = False",
        "host/test_crewai.py",
    ),
    mutant(
        "people see what the model gave",
        "made = _as_sent(tool, validated.model_dump())",
        "made = _as_sent(tool, given)",
        "host/test_crewai.py",
    ),
    mutant(
        "an approved call is sent to an MCP server three times",
        "client.max_retries, client.execution_timeout = 1, max(1, int(passage.seconds))",
        "client.execution_timeout = max(1, int(passage.seconds))",
        "host/test_crewai.py",
    ),
    mutant(
        "people see what an MCP client cleans away",
        "values = client._clean_tool_arguments(dict(values))",
        "values = dict(values)",
        "host/test_crewai.py",
    ),
    mutant(
        "a pattern does not fit a server's own name",
        'for one in ("name", "original_tool_name"))',
        'for one in ("name",))',
        "host/test_crewai.py",
    ),
    mutant(
        "a copied crew loses its MCP servers",
        "setattr(other, name, getattr(agent, name))",
        "setattr(other, name, None)",
        "host/test_crewai.py",
    ),
    mutant(
        "a result from a cache reads as run",
        'return Outcome("closed", gate.DIFFERS if passage.differs else instead)',
        'return Outcome("ran", instead)',
        "host/test_crewai.py",
    ),
    mutant(
        "open calls are announced once they can be answered",
        "await sender.settle(STOP_SECONDS)",
        "pass",
        "host/test_approvals.py",
    ),
    mutant(
        "an approval has no end",
        "elif one.has_expired(self.now()):",
        "elif one.has_expired(0.0):",
        "host/test_approvals.py",
    ),
    mutant(
        "a restart closes what the agent comes to again",
        "if not any(one.task_id not in self._asking for one in [*same, *repeated]):",
        "if before:",
        "host/test_approvals.py",
    ),
    mutant(
        "a thread of a failed execution waits for ever",
        "            self.wake(execution_id, task_id)",
        "            pass",
        "host/test_approvals.py",
    ),
    mutant(
        "a call that is known to have run may have run",
        "is_known = ran and not under_way and len(ends) == len(ran)",
        "is_known = not ran and under_way",
        "host/test_approvals.py",
    ),
    mutant(
        "a request on a full disk gets no answer",
        "except (Exception, records.NotKept) as error:",
        "except Exception as error:",
        "host/test_database.py",
    ),
    mutant(
        "an execution whose pause cannot be kept has failed",
        "raise NotKept(str(error)) from error",
        "raise",
        "host/test_database.py",
    ),
    # --- files of the version before
    mutant(
        "a host refuses files of the version before",
        "if version not in {0, VERSION, *_STEPS}:",
        "if version not in {0, VERSION}:",
        "host/test_upgrades.py",
    ),
    mutant(
        "a bot refuses databases of the version before",
        'BASELINE: Final = "0039"',
        'BASELINE: Final = "0045"',
        "usecases/test_waiting_of_0044.py",
    ),
    # --- lessons that CrewAI draws from answers to a flow
    mutant(
        "whoever wrote the words keeps the lesson that is drawn from them",
        "if (author := round_.subject.author) is not None:\n        return author_of",
        "if (author := None) is not None:\n        return author_of",
        "usecases/test_drawn_lessons.py",
    ),
    mutant(
        "a kept lesson of a flow is not to be retired",
        "    keep_drawn,\n)",
        ")",
        "usecases/test_drawn_lessons.py",
    ),
    mutant(
        "the address of a flow is forgotten before its lesson is ended there",
        "lessons.c.ended_at.is_(None) | _is_to_be_told",
        "lessons.c.ended_at.is_(None)",
        "usecases/test_drawn_lessons.py",
    ),
    mutant(
        "a host recalls a lesson whose time is over",
        "(lesson_until IS NULL OR lesson_until > ?)",
        "(lesson_until IS NULL OR lesson_until > -?)",
        "host/test_lessons.py",
    ),
    mutant(
        "a host asks once more about a lesson that people ended",
        "AND lesson_until > 0 AND lesson_until <= ?",
        "AND lesson_until <= ?",
        "host/test_lessons.py",
    ),
)

if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(main(words, (*MUTANTS, *SIMULATED, *RACED) if "--find" in words else MUTANTS))
