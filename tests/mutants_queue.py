"""The mutants of mentions, lists and what tells of them; `tests/mutants.py` says how."""

from typing import Final

from tests.mutating import mutant

QUEUE: Final = (
    # --- lists
    mutant(
        "a bot that stood still sends beside the bot that took over",
        "if not await tx.has(job):",
        "if not await tx.has(job) and round_.state is not State.DECIDED:",
        "usecases/delivery/test_resume_unknown.py",
    ),
    mutant(
        "a bot that stood still tells again of a refused webhook",
        "if await tx.complete(job):\n            await tx.enqueue(then, at=context.clock())",
        "if await tx.complete(job) or 1:\n            await tx.enqueue(then, at=context.clock())",
        "usecases/delivery/test_forward.py",
    ),
    mutant(
        "a bot that stood still looks for the file of another",
        "if await tx.complete(job):\n            await tx.enqueue([later]",
        "if await tx.complete(job) or True:\n            await tx.enqueue([later]",
        "usecases/delivery/test_files.py",
    ),
    mutant(
        "a lesson is retired before its answer arrives",
        'if round_.state is State.DECIDED:\n        return await settle(job, NotSent("its answer',
        'if round_.state is State.STUCK:\n        return await settle(job, NotSent("its answer',
        "usecases/test_drawn_lessons.py",
    ),
    mutant(
        "a bot that stood still reminds of a reopened round",
        "if await tx.complete(job) and current.state is State.WAITING:\n            reminded",
        "if await tx.complete(job) or current.state is State.WAITING:\n            reminded",
        "usecases/test_gone.py",
    ),
    mutant(
        "a bot that stood still plans a second digest",
        "if await tx.complete(job):\n            await tx.enqueue([job.effect], at=now",
        "if await tx.complete(job) or True:\n            await tx.enqueue([job.effect], at=now",
        "usecases/test_digest.py",
    ),
    mutant(
        "a bot that stood still leaves an older state on a card",
        "elif job.effect.kind in DRAWS_ANEW:",
        "elif job.effect.kind not in DRAWS_ANEW:",
        "usecases/delivery/test_cards.py",
    ),
    mutant(
        "a bot that stood still has a message drawn anew that was cleared for good",
        "row.is_merged and row.lane is Lane.UPDATES)",
        "row.lane is Lane.UPDATES)",
        "usecases/test_removal.py",
    ),
    mutant(
        "a bot that stood still repeats a reminder for which the card came back",
        "await tx.enqueue(again, at=context.clock())\n            await _complete(job, tx)",
        "await tx.enqueue(again, at=context.clock())\n            await tx.complete(job)",
        "usecases/delivery/test_reminders.py",
    ),
    mutant(
        "a bot that stood still drops a webhook that another has",
        "elif then:  # another bot",
        "elif not then:  # another bot",
        "usecases/delivery/test_forward.py",
    ),
    mutant(
        "a list counts what it leaves out of other queues",
        "each = each.where(found.c.id.not_in(",
        "each = each.where(found.c.id.is_not(None) | found.c.id.not_in(",
        "usecases/queries/test_queue.py",
    ),
    mutant(
        "a list masks by the latest outputs of all its reviews",
        '.where(among(reviews.c.id, "reviews"))\n)',
        '.where(among(reviews.c.id, "reviews"))\n    .limit(50)\n)',
        "usecases/test_masking.py",
    ),
    mutant(
        "a second bot posts a lesson's card beside the first",
        "since, to = job.created_at, Thread(channel)",
        "since, to = None, Thread(channel)",
        "usecases/test_lessons.py",
    ),
    mutant(
        "an end that was none is told beside the end",
        "await tx.enqueue_once(effect_on(ended, EffectKind.POST_RESULT), at=at)",
        "await tx.enqueue([effect_on(ended, EffectKind.POST_RESULT)], at=at)",
        "usecases/test_gone.py",
    ),
    mutant(
        "an end is told as often as it is heard",
        "if not before.is_over:  # an earlier end",
        "if ended.is_over:  # an earlier end",
        "usecases/test_track.py",
    ),
    mutant(
        "a morning line of before midnight is lost",
        "if now < wish.on(day):",
        "if not wish.minute:",
        "usecases/test_morning.py",
    ),
    mutant(
        "a group that Slack was not asked about counts as empty",
        "return None if members.unresolved else False",
        "return False",
        "usecases/test_empty_lists.py",
    ),
    mutant(
        "operators are told again of a group after Slack did not name its people",
        "if known[named] is False or (known[named] is None and named in (before or {}))",
        "if known[named] is False",
        "usecases/test_empty_lists.py",
    ),
    mutant(
        "an empty group of several that must approve is told to nobody",
        "yield from ((group,) for group, _ in rule.approvals_from)",
        "yield tuple(group for group, _ in rule.approvals_from)",
        "usecases/test_empty_lists.py",
    ),
    mutant(
        "a kickoff waits for a crew that is slow to answer",
        "self._renewals[crew] = asyncio.create_task(self._ask(crew))",
        "await self._ask(crew)",
        "usecases/test_teaching.py",
    ),
    # --- mentions
    mutant(
        "people are mentioned by each card, however many wait",
        "lasts = abs(at - found.at) < (every if found.job is None else attempt)",
        "lasts = found.job is not None and abs(at - found.at) < attempt",
        "usecases/test_property_of_mentions.py",
    ),
    mutant(
        "a mention that never came keeps others from mentioning",
        "lasts = abs(at - found.at) < (every if found.job is None else attempt)",
        "lasts = abs(at - found.at) < every",
        "usecases/delivery/test_mentions.py",
    ),
    mutant(
        "a message that was found counts as a mention",
        "if posted.was_found:\n        await tx.mentions.give_up",
        "if not posted:\n        await tx.mentions.give_up",
        "usecases/delivery/test_mentions.py",
    ),
    mutant(
        "time decides on a round without a card",
        "if not waits or posting.card is not None:",
        "if not waits or posting.announced_at is None:",
        "usecases/delivery/test_mentions.py",
    ),
    mutant(
        "a short card does not say what time does alone",
        "about = names.capital(cards.if_nobody_decides(view, now))",
        'about = ""',
        "slack/reviews/test_standing.py",
    ),
    mutant(
        "a short card says what each button does",
        "what = [] if view.is_quiet else [what_happens(view, reader)]",
        "what = [what_happens(view, reader)]",
        "slack/reviews/test_standing.py",
    ),
    mutant(
        "an upgrade posts a card that is on its way once more",
        "kind IN ('post', 'repost')",
        "kind IN ('repost')",
        "usecases/test_waiting_of_0044.py",
    ),
    mutant(
        "an upgrade posts a missing card into the crew's channel, whatever the rule says",
        'channel = json.loads(row.rule or "{}").get("channel")',
        'channel = json.loads("{}").get("channel")',
        "usecases/test_waiting_of_0044.py",
    ),
    mutant(
        "an upgrade leaves a rule's time running before a card is there",
        "UPDATE rounds SET announced_at = NULL WHERE id = :id",
        "UPDATE rounds SET announced_at = announced_at WHERE id = :id",
        "usecases/test_waiting_of_0044.py",
    ),
    mutant(
        "a timer of a crashed process is put off twice",
        "due = sa.case((is_timer, outbox.c.due_at), else_=at)",
        "due = at",
        "store/test_outbox.py",
    ),
    mutant(
        "what a crashed process held is due at once",
        "due = sa.case((is_timer, outbox.c.due_at), else_=at)",
        "due = outbox.c.due_at",
        "store/test_outbox.py",
    ),
    mutant(
        "who opens Home waits for others",
        "served |= await self._serve()",
        "served |= set()",
        "journeys/test_home.py",
    ),
    mutant(
        "Home is read anew for any change",
        "return is_old or may_name_others or not self.crews.isdisjoint(changed)",
        "return True",
        "slack/home/test_refresher.py",
    ),
    mutant(
        "a pause that meets a damaged row is told to nobody",
        "    except RowUnreadable as error:\n        refused",
        "    except ZeroDivisionError as error:\n        refused",
        "web/test_poison.py",
    ),
    mutant(
        "a damaged row is answered with a traceback",
        "case errors.StoreUnavailable() | errors.RowUnreadable():",
        "case errors.StoreUnavailable():",
        "web/test_poison.py",
    ),
    # --- lessons
    mutant(
        "a wish came before its lesson, whenever it came",
        "one.at <= lesson.kept_at for one in same",
        "one.at != lesson.kept_at for one in same",
        "usecases/test_teaching.py",
    ),
    mutant(
        "a wish came again in executions without its lesson",
        "again=sum(lesson.id in one.given for one in same)",
        "again=sum(one.at >= lesson.kept_at for one in same)",
        "usecases/test_teaching.py",
    ),
    # --- lessons of flows
    mutant(
        "a dismissed Keep stays listed as kept",
        "        await end_unsent(tx, transition.round, by, at=now)\n",
        "",
        "usecases/test_drawn_lessons.py",
    ),
    mutant(
        "a Keep that may have arrived can no longer be retired",
        "if round_.in_doubt or lessons.drawn_lesson(round_, lasts=None) is None:",
        "if lessons.drawn_lesson(round_, lasts=None) is None:",
        "usecases/test_drawn_lessons.py",
    ),
    # --- delegates
    mutant(
        "a delegate who was made a guest decides for two hours more",
        "if about not in self.asked and (self.recheck or is_colleague is None):",
        "if about not in self.asked and is_colleague is None:",
        "usecases/test_away.py",
    ),
    mutant(
        "a delegate's account is read from memory, though Slack is to be asked",
        "        if again or self._accounts.is_own(user) is None:",
        "        if self._accounts.is_own(user) is None:",
        "journeys/test_away.py",
    ),
    # --- a clock that is set back
    mutant(
        "a try of an earlier process is repeated at once",
        "return self._grace_ends_at if is_of_earlier_process else None",
        "return None",
        "usecases/delivery/test_resume_unknown.py",
    ),
    mutant(
        "a try of this process waits like those before its start",
        "            self.listening.tried.add(round_.id)",
        "            pass",
        "usecases/delivery/test_resume_unknown.py",
    ),
    # --- timers
    mutant(
        "a time-out that was leased before time began anew decides",
        "waits = await tx.complete(job) and round_.state",
        "waits = [await tx.complete(job)] and round_.state",
        "usecases/delivery/test_time_out.py",
    ),
    mutant(
        "an escalation that was leased before time began anew calls others",
        "if await tx.complete(job) and round_.state is State.WAITING:\n            transition",
        "if [await tx.complete(job)] and round_.state is State.WAITING:\n            transition",
        "usecases/delivery/test_time_out.py",
    ),
    # --- damaged rows
    mutant(
        "a damaged row takes the others of its list away",
        "        except RowUnreadable:\n            continue\n        yield one",
        "        except RowUnreadable:\n            return\n        yield one",
        "usecases/test_unreadable.py",
    ),
    mutant(
        "a damaged round's job is tried for a day",
        "except RowUnreadable as error:\n            # The row",
        "except ZeroDivisionError as error:\n            # The row",
        "usecases/test_unreadable.py",
    ),
    mutant(
        "a damaged round ends the walk",
        "if found is None or await read.is_readable(found):",
        "if found is None or found:",
        "usecases/test_unreadable.py",
    ),
    mutant(
        "one damaged time ends the reading of a statement",
        "        except (TypeError, OverflowError):\n            return NO_TIME",
        "        except ZeroDivisionError:\n            return NO_TIME",
        "usecases/test_broken_times.py",
    ),
    mutant(
        "a round is read with a time that nobody wrote",
        "        require_times(*map(found.get, self._times))\n",
        "",
        "usecases/test_broken_times.py",
    ),
    mutant(
        "a beat that cannot be read puts every timer off by decades",
        "if row.at is not NO_TIME and abs(now - row.at) > MISSED:",
        "if abs(now - row.at) > MISSED:",
        "usecases/test_broken_times.py",
    ),
    mutant(
        "a job that is never due is never told of",
        'never = (await connection.execute(_NEVER, {"now": now})).all()',
        "never: list[Any] = []",
        "usecases/test_broken_times.py",
    ),
    mutant(
        "a damaged audit entry stops the linking",
        "    body = body.encode() if isinstance(body, str) else body\n",
        "",
        "usecases/test_audit.py",
    ),
    # --- connections to PostgreSQL
    mutant(
        "a connection is used though its server hung up",
        "return not driver.is_closed() and (not has_rested or ping(connection))",
        "return not has_rested or ping(connection)",
        "store/test_failures.py",
    ),
    mutant(
        "a connection that a router dropped is used",
        "return not driver.is_closed() and (not has_rested or ping(connection))",
        "return not driver.is_closed()",
        "store/test_failures.py",
    ),
    mutant(
        "each use of a connection pings it",
        "used_at[driver] = now",
        "used_at.pop(driver, None)",
        "store/test_failures.py",
    ),
    mutant(
        "a worker that lost its job records its card",
        "if not await tx.complete(job):\n        raise _NotOurs",
        "await tx.complete(job)",
        "usecases/delivery/test_cards.py",
    ),
    mutant(
        "a worker that lost its job is an error",
        "with suppress(_NotOurs):"
        "\n        async with context.uow.begin() as tx:\n            await record",
        "with suppress(KeyError):"
        "\n        async with context.uow.begin() as tx:\n            await record",
        "usecases/delivery/test_cards.py",
    ),
    mutant(
        "a thread that another message began is forgotten",
        '_PLACE_THREAD.where(executions.c.thread_ts == sa.bindparam("b_gone"))',
        '_PLACE_THREAD.where(sa.bindparam("b_gone") != "")',
        "store/test_store.py",
    ),
    mutant(
        "a thread that is gone is kept",
        '_PLACE_THREAD.where(executions.c.thread_ts == sa.bindparam("b_gone"))',
        '_PLACE_THREAD.where(executions.c.thread_ts != sa.bindparam("b_gone"))',
        "store/test_store.py",
    ),
    mutant(
        "others are not called again once their round is back",
        "is_called = state is State.WAITING and self.escalated_at is not None",
        "is_called = False",
        "domain/test_round.py",
    ),
    mutant(
        "others are called about a decision that is stuck again",
        "is_called = state is State.WAITING and self.escalated_at is not None",
        "is_called = self.escalated_at is not None",
        "domain/test_round.py",
    ),
    mutant(
        "an update that is given up takes later ones with it",
        "if row.kind in _MERGED and not row.failing_since]",
        "if row.kind in _MERGED]",
        "store/test_outbox_lanes.py",
    ),
    mutant(
        "a card that may have come back keeps its buttons after the decision",
        "if posting.card is not None or not (messages.must_be_acted_on(posting) or job.in_doubt):",
        "if posting.card is not None or not messages.must_be_acted_on(posting):",
        "usecases/delivery/test_cards.py",
    ),
    mutant(
        "a crew of a flow that ends closes the flow's questions",
        "case CrewUpdate() if execution.is_flow and await tx.unfinished(crew, execution_id):",
        "case CrewUpdate() if not execution and await tx.unfinished(crew, execution_id):",
        "usecases/test_flows.py",
    ),
    mutant(
        "a flow that waits for nobody never ends",
        "case CrewUpdate() if execution.is_flow and await tx.unfinished(crew, execution_id):",
        "case CrewUpdate() if execution.is_flow:",
        "usecases/test_flows.py",
    ),
    mutant(
        "what a call returned before a restart stays",
        "case ToolCall(earlier=CallResult() as earlier):",
        "case ToolCall(tool='', earlier=CallResult() as earlier):",
        "domain/test_acts.py",
    ),
    mutant(
        "the stored words of an earlier run of a call stay",
        '"votes", "question", "call", "reason_words"',
        '"votes", "question", "reason_words"',
        "usecases/test_removal.py",
    ),
    mutant(
        "an outcome that is none of a flow's labels stays",
        "if isinstance(reason, TakenAs) and reason.label not in labels:",
        "if isinstance(reason, TakenAs) and not labels:",
        "usecases/test_removal.py",
    ),
    mutant(
        "the stored outcome of a flow stays",
        '*("reason_code", "removed_at"),',
        '*("removed_at",),',
        "usecases/test_removal.py",
    ),
    mutant(
        "webhooks behind one that is never due wait for ever",
        'if behind := [{"key": row.ordering_key} for row in never]:',
        'if behind := [{"key": row.ordering_key} for row in never[1:]]:',
        "usecases/delivery/test_forward.py",
    ),
    mutant(
        "webhooks behind a row that cannot be read wait for ever",
        'behind = [{"key": row.ordering_key} for row in jobs if row.id not in read]',
        'behind = [{"key": ""} for row in jobs if row.id not in read]',
        "usecases/delivery/test_forward.py",
    ),
    mutant(
        "a late word of a deleted card forgets the one in its place",
        "tables.rounds.c.card_ts.is_not_distinct_from(card and card.ts),",
        "",
        "usecases/delivery/test_cards.py",
    ),
    mutant(
        "a late word of a deleted card leaves the one in its place as it was drawn",
        "first = EffectKind.REPOST if is_gone else EffectKind.REFRESH",
        "first = EffectKind.REPOST",
        "usecases/delivery/test_cards.py",
    ),
    mutant(
        "a time that begins anew drops messages of a round that waits on",
        "await tx.cancel_timers(round_.id)",
        "await tx.cancel(round_.id)",
        "usecases/test_flows.py",
    ),
    mutant(
        "a card that begins a rule's time drops the call of assignees",
        "_CANCEL.where(statements.one_of(tables.outbox.c.kind, sorted(TIMED)))",
        "_CANCEL",
        "usecases/test_flows.py",
    ),
    mutant(
        "a result that was approved in another channel is shown in none",
        "if posting.card is None or posting.card.channel != of.channel:",
        "if posting.card is None:",
        "usecases/delivery/test_executions.py",
    ),
    mutant(
        "a result is shown again once its crew has another channel",
        "if posting.card is None or posting.card.channel != of.channel:",
        "channel = context.crews[execution.crew].channel\n"
        "    if posting.card is None or posting.card.channel != channel:",
        "usecases/delivery/test_executions.py",
    ),
    mutant(
        "a private message that is out of date is posted once more",
        "refreshed = _effect_for(job, EffectKind.REFRESH_DIRECT_MESSAGE, user)",
        "refreshed = _effect_for(job, EffectKind.DIRECT_MESSAGE, user)",
        "usecases/delivery/test_direct_messages.py",
    ),
    mutant(
        "a private message shows no approval of while it was posted",
        "if round_.state is not State.WAITING or round_.version != posting.view.round.version:",
        "if round_.state is not State.WAITING:",
        "usecases/delivery/test_direct_messages.py",
    ),
    mutant(
        "an unanswered kickoff is forgotten before it may turn up",
        "before=min(before, clock() - UNCLEAR)",
        "before=before",
        "usecases/test_removal.py",
    ),
    mutant(
        "an unanswered kickoff is forgotten before its crew's retention",
        "before=min(before, clock() - UNCLEAR)",
        "before=clock() - UNCLEAR",
        "usecases/test_removal.py",
    ),
    # --- two bots on one Slack app
    mutant(
        "an ended bot's connection is another program",
        "if self._pings_left == 0 and self.warning is None:",
        "if self.warning is None:",
        "slack/client/test_socket_mode.py",
    ),
    mutant(
        "another bot of the same database is another program",
        "            self._other_at = now\n",
        "            pass\n",
        "store/test_outbox.py",
    ),
    mutant(
        "nobody counts the connections of a shared app again",
        "if self.others.are_due():",
        "if self.others.are_due() and self.warning:",
        "journeys/test_one_app.py",
    ),
    # --- the link to a run
    mutant(
        "an id of a caller's changes the path of a link",
        'quote(value, safe="", errors="replace")',
        'quote(value, errors="replace")',
        "domain/test_run_link.py",
    ),
    mutant(
        "an id of a caller's may be a link's host",
        'parts.scheme != "https" or "{" in parts.netloc or',
        'parts.scheme != "https" or',
        "domain/test_parsers.py",
    ),
    mutant(
        "a notice for operators does not lead to the run",
        "return with_run(message, scene.view.run_url)",
        "return message",
        "journeys/test_run_url.py",
    ),
)
