"""Mistakes in the audit trail, its proofs, and what is counted and exported of decisions."""

from typing import Final

from tests.mutating import mutant

AUDIT: Final = (
    mutant(
        "evidence holds without the arguments of a call that was approved",
        'self.lacks |= {*digests_in(entry, ("output", "words"))} - self.told.texts.keys()',
        "self.lacks |= set()",
        "audit/test_evidence.py",
    ),
    mutant(
        "a call whose texts were removed counts as the one before",
        "self.unknown |= is_same is None",
        "self.unknown |= False",
        "audit/test_evidence.py",
    ),
    mutant(
        "an evidence file holds with a text in place of true",
        '{**one, "escalated": one["escalated"] is True}',
        "{**one}",
        "audit/test_evidence.py",
    ),
    mutant(
        "a rule's words that are left out of the file are not compared",
        "is_said = salt is None or data",
        "is_said = salt is None or True or data",
        "audit/test_evidence.py",
    ),
    mutant(
        "an output that is no call may run",
        '            require("tool" in round_.opened.data, "it ran, and is no call")\n',
        "",
        "audit/test_evidence.py",
    ),
    mutant(
        "a rule's decision on a call decides nothing for `audit verify`",
        "return self in {Code.DECIDED, Code.TIMED_OUT, Code.RULE_DECIDED}",
        "return self in {Code.DECIDED, Code.TIMED_OUT}",
        "audit/test_commands.py",
    ),
    mutant(
        "a rule's decision on a call decides nothing for the checker",
        'DECIDES = ("CG124", "CG125", "CG126")',
        'DECIDES = ("CG124", "CG125")',
        "audit/test_evidence.py",
    ),
    mutant(
        "what a rule decided alone is undecided for `audit verify`",
        "return self in {Code.DECIDED, Code.TIMED_OUT, Code.RULE_DECIDED}",
        "return self in {Code.DECIDED, Code.TIMED_OUT}",
        "audit/test_commands.py",
    ),
    mutant(
        "what a rule decided alone is undecided for the checker",
        'DECIDES = ("CG124", "CG125", "CG126")',
        'DECIDES = ("CG124", "CG125")',
        "audit/test_evidence.py",
    ),
    mutant(
        "a call that ran twice holds in a proof",
        'require(not has_run, "it ran twice")',
        'require(self.codes, "it ran twice")',
        "audit/test_evidence.py",
    ),
    mutant(
        "a call that the bot raised an alarm about holds in a proof",
        'require("contradicts" not in data, ',
        "require(data, ",
        "audit/test_evidence.py",
    ),
    mutant(
        "an alarm without a reason holds in a proof",
        'require("contradicts" not in data, ',
        'require(not data.get("contradicts"), ',
        "audit/test_evidence.py",
    ),
    mutant(
        "an earlier approval lets no call run in a proof",
        "round_.before = before.before if before.approved is None else before",
        "round_.before = before.before if before.approved is None else None",
        "audit/test_evidence.py",
    ),
    mutant(
        "an approval of other arguments lets a call run in a proof",
        "return is_same and (len(both) == 1 if is_told else None)",
        "return is_same and (True if is_told else None)",
        "audit/test_evidence.py",
    ),
    mutant(
        "anybody's edit holds in a proof",
        "self._require_right(edit, round_)",
        "self._require_right",
        "audit/test_evidence.py",
    ),
    mutant(
        "an entry's count is not in its link",
        'count = b"" if nth is None else nth.to_bytes(8, "big")',
        'count = b"" if nth is None else b"1"',
        "audit/test_evidence.py",
    ),
    mutant(
        "a proof without its beginning holds",
        "self.is_whole = is_counted and is_first",
        "self.is_whole = is_counted or is_first or bool(own)",
        "audit/test_evidence.py",
    ),
    mutant(
        "without the key any signature of a head holds",
        "if is_forged(one, sign) or not is_signed(one)]",
        "if is_forged(one, sign)]",
        "audit/test_commands.py",
    ),
    mutant(
        "a miscounted entry holds",
        "return None if row.nth == nth else",
        "return None if row.nth or nth else",
        "audit/test_commands.py",
    ),
    mutant(
        "a rewritten first output was approved at once",
        "IS_FIRST, _round.is_approve, sa.not_(IS_EDITED))",
        "IS_FIRST, _round.is_approve)",
        "usecases/test_stats.py",
    ),
    mutant(
        "a text that a person rewrote needed nobody",
        "sa.or_(sa.not_(_round.is_approve), IS_EDITED),",
        "sa.or_(sa.not_(_round.is_approve), _is_own),",
        "usecases/test_stats.py",
    ),
    mutant(
        "an approval that the crew refused is told as one",
        "if not _was_in_vain(one.round):",
        "if one.round:",
        "test_dataset.py",
    ),
    mutant(
        "names of inputs are not masked in a data set",
        "Given({change(name): _changed",
        "Given({name: _changed",
        "test_dataset.py",
    ),
    mutant(
        "purge leaves the bot no turn between batches",
        "await sleep(max((clock() - began).total_seconds(), 0))",
        "await sleep(0)",
        "journeys/test_removal.py",
    ),
    mutant(
        "a dry run of purge locks the database",
        "if writes and engine.dialect.name ==",
        "if engine.dialect.name ==",
        "journeys/test_removal.py",
    ),
    mutant(
        "a delegate's text is of whom the alphabet has first",
        'for of in data["named"] if self.deputies.get(of) == right)',
        'for of in data["named"])',
        "audit/test_evidence.py",
    ),
    mutant(
        "a changed call whose texts are gone is another one when it is asked anew",
        "    if again is None:\n        return None\n    is_same",
        "    is_same",
        "audit/test_evidence.py",
    ),
    mutant(
        "a call whose arguments a person changed is another one when it is asked anew",
        "again = edited is not None and is_same_call(edited, other, texts)",
        "again = False",
        "audit/test_evidence.py",
    ),
    mutant(
        "calls of one execution are told by their round alone",
        'call = f" · {tool}" if tool else ""',
        'call = ""',
        "audit/test_evidence.py",
    ),
    mutant(
        "a call that a person changed is told as asked by them",
        '"CG101": "{who} put a call up for review"',
        '"CG101": "{who} asked to call the tool {tool}"',
        "audit/test_evidence.py",
    ),
    mutant(
        "each crew's form speaks of lessons",
        "takes_lessons=lessons.INPUT in found)",
        "takes_lessons=True)",
        "journeys/test_kickoff_form.py",
    ),
    mutant(
        "no crew's form speaks of lessons",
        "takes_lessons=lessons.INPUT in found)",
        "takes_lessons=False)",
        "journeys/test_lessons.py",
    ),
    mutant(
        "a missing file counts as a socket without PostgreSQL",
        "case FileNotFoundError(filename=None):",
        "case FileNotFoundError():",
        "store/test_failures.py",
    ),
    mutant(
        "a socket without PostgreSQL is told by its number",
        "case FileNotFoundError(filename=None):",
        "case ChildProcessError():",
        "store/test_failures.py",
    ),
)
