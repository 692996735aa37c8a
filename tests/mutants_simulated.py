"""Mended defects that `python -m tests.simulation --mutants` puts back, for stories to find.

Those of `RACED` are of locks, and lie open where two bots work on one PostgreSQL.
"""

from typing import Final

from tests.mutants_simulated_chains import CHAINED
from tests.mutants_simulated_core import CORE
from tests.mutants_simulated_flows import OF_FLOWS
from tests.mutating import mutant

SIMULATED: Final = (
    mutant(
        "a fetched decision serves the next question too",
        "case (State.RESUMED, Fetched()) | (State.STUCK, NotFetched()):",
        "case (State.STUCK, NotFetched()):",
    ),
    mutant(
        "a decision that nobody fetched serves the next question",
        "case (State.RESUMED, Fetched()) | (State.STUCK, NotFetched()):",
        "case (State.RESUMED, Fetched()):",
    ),
    mutant(
        "time counts from the opening of a round",
        "await schedule(tx, await tx.round(round_.id), at=began_at)",
        "await schedule(tx, await tx.round(round_.id), at=round_.opened_at)",
    ),
    mutant(
        "Home counts what it leaves out",
        "each = each.where(found.c.id.not_in(",
        "each = each.where(found.c.id.is_not(None) | found.c.id.not_in(",
    ),
    mutant(
        "Home lists twice what nobody may approve",
        "approved = tuple(key for key in approved if key not in nobody)",
        "approved = tuple(approved)",
    ),
    mutant(
        "Home leaves out whatever somebody has approved",
        "        if user in voices_of(one.votes)\n",
        "        if one.votes\n",
    ),
    mutant(
        "long lists mask by some outputs alone",
        '.where(among(reviews.c.id, "reviews"))\n)',
        '.where(among(reviews.c.id, "reviews"))\n    .limit(4)\n)',
    ),
    mutant(
        "ids with a space are not quoted",
        'one.replace("%", "%25").replace(" ", "%20") for one in fields',
        "one for one in fields",
    ),
    mutant(
        "each 400 is about arguments",
        "case State.STUCK, Refused(kind=RefusalKind.ARGUMENTS) if round_.subject.is_act:",
        'case State.STUCK, Refused(code="400") if round_.subject.is_act:',
    ),
    mutant(
        "a call that ran is no evidence before its round is stuck",
        "case State.DECIDED | State.STUCK | State.CLOSED if may_be_taken and not never_ran:",
        "case State.STUCK if may_be_taken and not never_ran:",
    ),
    mutant(
        "a try in doubt is asked about as one that did not run",
        "await _ask_anew(tx, expired, context, may_have_run=round_.in_doubt)",
        "await _ask_anew(tx, expired, context, may_have_run=False)",
    ),
    mutant(
        "a text that two approved counts as the crew's",
        "sa.or_(sa.not_(_round.is_approve), IS_EDITED),",
        "sa.or_(sa.not_(_round.is_approve), _is_own),",
    ),
    mutant(
        "a proposal outlives the texts of its review",
        "lessons.c.crew == _CREW, _IS_PROPOSED, lessons.c.round_id",
        "lessons.c.crew == _CREW, sa.false(), lessons.c.round_id",
    ),
    mutant(
        "a proposal that came after the texts were removed stays",
        "        | (_IS_PROPOSED & (lessons.c.proposed_at < _BEFORE) & _HAS_NO_TEXTS)\n",
        "",
    ),
    mutant(
        "a removed decision on a changed call cannot be told",
        "if round_.edited_by is None or round_.removed_at is not None:",
        "if round_.edited_by is None:",
    ),
    mutant(
        "a call that may have run is approved by one press",
        "        if self.may_have_run:\n            yield",
        "        if False:\n            yield",
    ),
    mutant(
        "a rule decides on a call that may have run",
        "rule=for_call(before.rule, call),",
        "rule=before.rule,",
    ),
    mutant(
        "an approval of a call never ends",
        "if round_.has_expired(context.clock()):",
        "if round_.removed_at:",
    ),
    mutant(
        "an approval that ended is fetched",
        "if latest.state is State.RESUMED and latest.has_expired(self.clock()):",
        "if latest.removed_at:",
    ),
    mutant(
        "another task's webhooks are evidence",
        "or since > heard.named",
        "or since > 0",
    ),
    mutant(
        "tasks that waited at once do not run beside",
        "_one.c.opened_at <= _other.c.opened_at,",
        "_one.c.opened_at > _other.c.opened_at,",
    ),
    mutant(
        "an edit leaves its rule",
        "rule = await rule_with_words(round_, words_of(verdict), output, crew=crew, tx=tx)",
        "rule = await rule_with_words(round_, words_of(verdict), None, crew=crew, tx=tx)",
    ),
    mutant(
        "a rule's time approves a person's own text",
        "timeout=one.timeout if _approves_in_time(other) else left_by_time(one),",
        "timeout=one.timeout,",
    ),
    mutant(
        "a text that a person wrote is timed as the crew's",
        "rule = replace(rule, timeout=left_by_time(rule))",
        "rule = replace(rule, timeout=rule.timeout)",
    ),
    mutant(
        "one vote less is enough",
        "if len(votes) < self.rule.approvals and votes:",
        "if len(votes) < self.rule.approvals - 1 and votes:",
    ),
    mutant(
        "one person approves for several",
        "if decision.is_approve and self.rule.approvals > 1:",
        "if decision.is_approve and self.rule.approvals > 99:",
    ),
    mutant(
        "a delegate's vote counts beside the absent person's",
        "if before.voices & vote.voices:",
        "if before.by.id == vote.by.id:",
    ),
    mutant(
        "votes of people who may no longer decide count",
        "current, lapsed = access.drop_lapsed_votes(drop_votes_of(starter, round_))",
        "current, lapsed = drop_votes_of(starter, round_), ()",
    ),
    mutant(
        "whoever started an execution approves it",
        "if starter is not None and vote.voices & starter.users:",
        "if starter is not None and vote.voices <= starter.users and vote.on_behalf_of:",
    ),
    mutant(
        "a delegate approves for whoever started",
        "if starter is not None and vote.voices & starter.users:",
        "if starter is not None and vote.by.id in starter.users:",
    ),
    mutant(
        "a delegate whose person came back decides",
        "frozenset(one.delegate.id for one in absences if one.away.id in users and one.holds(at))",
        "frozenset(one.delegate.id for one in absences if one.away.id in users)",
    ),
    mutant(
        "a guest decides for somebody who is away",
        "is_colleague = bool(found) and self._is_colleague(user)",
        "is_colleague = bool(found)",
    ),
    mutant(
        "rules that forbid delegates have them",
        "if role in DELEGATED and isinstance(scope, Round) and scope.rule.delegation:",
        "if role in DELEGATED and isinstance(scope, Round):",
    ),
    mutant(
        "notes that wait are not asked about",
        "if not caveats.all_in(seen):",
        "if not caveats.all_in(seen) and caveats.is_excerpt:",
    ),
    mutant(
        "a claim that changed hands is not asked about again",
        "and (self.claim is None or self.claim.by.id == seen.claimed_by)",
        "and (self.claim is None or bool(seen.claimed_by))",
    ),
    mutant(
        "a claim holds for an hour",
        "return now - self.at < CLAIM_LASTS",
        "return now - self.at < 2 * CLAIM_LASTS",
    ),
    mutant(
        "a claim ends after a quarter of an hour",
        "return now - self.at < CLAIM_LASTS",
        "return now - self.at < CLAIM_LASTS / 2",
    ),
    mutant(
        "the first note is not in the draft",
        "for note in notes:\n        longer = added(text, note) if note.by.id in chosen",
        "for note in list(notes)[1:]:\n        longer = added(text, note) if note.by.id in chosen",
    ),
    mutant(
        "notes of anybody are in the draft",
        "longer = added(text, note) if note.by.id in chosen else None",
        "longer = added(text, note)",
    ),
    mutant(
        "reminders come at night",
        "return at if hours is None else hours.next_open(at)",
        "return at",
    ),
    mutant(
        "a vote counts for a group that its author left",
        "replace(vote, groups=self.groups_of(vote.right.id, round_, vote.groups))",
        "vote",
    ),
    mutant(
        "an author keeps their own lesson",
        "counted = approve(ballot, votes, author_of(lesson.author, ballot, access), None).round",
        "counted = ballot.approve(votes[0], None).round",
    ),
    mutant(
        "a lesson's card shows lessons of other channels",
        "if channels.get(rules[one.id]) == round_.rule.channel]",
        "if one.id]",
    ),
    mutant(
        "a lesson that was dropped is kept",
        "lesson.require(LessonState.PROPOSED, access.at)",
        "lesson.require(lesson.state, access.at)",
    ),
    mutant(
        "two edits of one lesson are in force",
        "while old and old.state is LessonState.REPLACED:",
        "while False:",
    ),
    mutant(
        "a lesson whose time is over goes on",
        "_HOLDS: Final = sa.or_(lessons.c.expires_at.is_(None), lessons.c.expires_at > _AT)",
        "_HOLDS: Final = sa.or_(lessons.c.expires_at.is_(None), lessons.c.expires_at != _AT)",
    ),
    mutant(
        "a rule that allows folds letters",
        "holds = rule.when.hold(facts, exactly=rule.allows)",
        "holds = rule.when.hold(facts)",
    ),
    mutant(
        "a star of an exact pattern passes a comma",
        '_OF_ONE_VALUE: Final = r"[^\\s,;',
        '_OF_ONE_VALUE: Final = r"[^\\s;',
    ),
    mutant(
        "words that are written otherwise dodge a rule",
        "return (fold, str.casefold) if by_letters else (str.casefold,)",
        "return (str.casefold,)",
    ),
    mutant(
        "the strings of a call are not read as parsed",
        "strings = () if self.call is None else tuple(_strings_in(self._json))",
        "strings = ()",
    ),
    mutant(
        "a refused call that ran is no alarm",
        "else:\n            why = Contradiction.UNDECIDED if",
        "else:\n            why = None if approved is False else Contradiction.UNDECIDED if",
    ),
    mutant(
        "an alarm without a thread is dropped",
        "in (State.WAITING, State.STUCK) or round_.contradiction is not None",
        "in (State.WAITING, State.STUCK)",
    ),
    mutant(
        "a host that was restored is told nothing",
        "case State.RESUMED:\n            return is_call",
        "case State.RESUMED:\n            return False",
    ),
    mutant(
        "a refusal ends the doubt about a call of a restored host",
        "if not (is_approved or has_run or before.may_have_run):",
        "if not (is_approved or has_run):",
    ),
    mutant(
        "an asker is given the decision on a newer round",
        "if number < first.number:",
        "if number < 1:",
    ),
    mutant(
        "a decision that was surely not sent counts as taken",
        "return self._infer(at) if self.in_doubt else self._close_for(reasons.NeverSent(), at)",
        "return self._infer(at)",
    ),
    mutant(
        "a refusal after doubt loses the doubt",
        "surely_not = self if in_doubt else replace(self, in_doubt_since=None)",
        "surely_not = replace(self, in_doubt_since=None)",
    ),
    mutant(
        "a try is not noted before it begins",
        "return replace(self, in_doubt_since=at, activity_before=activity_count, was_alone=alone)",
        "return self",
    ),
    mutant(
        "a decision of old leaves its timers",
        "if round_.state is not State.WAITING:\n        await cancel(tx, round_)",
        "if round_.state is State.WAITING:\n        await cancel(tx, round_)",
    ),
    mutant(
        "a deleted card does not come back",
        "if messages.must_be_acted_on(posting):\n            await messages.bring_back",
        "if posting.card is None:\n            await messages.bring_back",
    ),
    mutant(
        "a card that Slack refused is given up",
        "case Refused() | Unknown() if job.effect.kind in POSTS_A_CARD:\n            return False",
        "case Refused() if job.effect.kind in POSTS_A_CARD:\n            return True",
    ),
    mutant(
        "a lost post is not looked for",
        "outcome = await post(channel=channel, posted_since=job.began_at)",
        "outcome = await post(channel=channel, posted_since=None)",
    ),
    mutant(
        "the second reminder is forgotten",
        "await tx.enqueue([due[0]], at=context.clock(), due_at=due[1])",
        "pass",
    ),
    mutant(
        "whoever is called by a rule is not told",
        "await tx.enqueue([round_.effect(EffectKind.POST_ESCALATED)], at=context.clock())",
        "pass",
    ),
    mutant(
        "reviewers are not told in private",
        "if calls and notify is Notify.DM:\n            effects.append",
        "if not effects:\n            effects.append",
    ),
    mutant(
        "a job overtakes an earlier one of its key",
        "(_other.c.id < outbox.c.id)",
        "(_other.c.id < 0)",
    ),
    mutant(
        "a lost lease completes another's job",
        'lease_until == sa.bindparam("b_lease", type_=tables.outbox.c.lease_until.type),',
        "lease_until.is_not(None),",
    ),
    mutant(
        "notes outlive the texts",
        '.values(text="", deleted=True)',
        ".values(deleted=True)",
    ),
    mutant(
        "people's words outlive the texts",
        '*("digest", "salt", "feedback", "votes",',
        '*("digest", "salt", "votes",',
    ),
    mutant(
        "results outlive the texts",
        '        error="",\n        result=None,',
        '        error="",',
    ),
    mutant(
        "inputs outlive the texts",
        "        inputs=codec(CallerValues).dump(UNKNOWN),\n",
        "",
    ),
    mutant(
        "a morning line counts what it reads alone",
        "QueuePart(oldest[:1], await read.count(waiting))",
        "QueuePart(oldest[:1], len(oldest))",
    ),
    mutant(
        "a later wish brings a day's second morning line",
        "sent_on = current.told if waiting is None else day.toordinal()",
        "sent_on = current.told",
    ),
    mutant(
        "a morning on which nothing waits is the last",
        "elif current is not None:\n            sent_on",
        "elif current is not None and waiting is not None:\n            sent_on",
    ),
    mutant(
        "lists show the arguments that cards mask",
        "own = masking.for_call() if line.round.subject.has_arguments else masking",
        "own = masking",
    ),
    mutant(
        "cards show arguments of secret names",
        "own = also.for_call() if round_.subject.has_arguments else also",
        "own = also",
    ),
    mutant(
        "a call with a masked argument is approved by one press",
        "self.masked is not False and (self.asks_about_masks or self.hides)",
        "self.masked is not False and self.asks_about_masks and not self.hides",
    ),
    mutant(
        "each batch of entries counts an execution anew",
        "counts[tag] = nth = counts.get(tag, count) + 1",
        "counts[tag] = nth = counts.get(tag, 0) + 1",
    ),
    mutant(
        "each batch of entries begins a chain",
        "number, linked = head.number, head.hash",
        "number, linked = head.number, GENESIS.hash",
    ),
    *CORE,
    *OF_FLOWS,
    *CHAINED,
)
RACED: Final = (
    mutant(
        "a round is read without its lock",
        "return found.with_only_columns(tables.rounds.c.id).with_for_update(of=tables.rounds)",
        "return found.with_only_columns(tables.rounds.c.id)",
    ),
    mutant(
        "a job that another bot leases is leased too",
        "due = due.with_for_update(skip_locked=True)",
        "pass",
    ),
    mutant(
        "a lesson is read without its lock",
        "sa.select(lessons).where(lessons.c.id == lesson_id).with_for_update()",
        "sa.select(lessons).where(lessons.c.id == lesson_id)",
    ),
)
