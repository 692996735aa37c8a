"""`python -m tests.mutants [NAME …]`: break the code in known places; the tests must notice each.

Not a part of `make test`: each mutant is a run of the tests that hold its behaviour, in a copy of
the checkout. A mutant is known by the text that it replaces, which stands once below `bot/`, so it
survives a file that moves; where a change rewrites that text, its mutant is rewritten with it.
Exits with 1 if one is not noticed, or its text is not found.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
#: How long one run may take, in seconds; a mutant that hangs the tests is noticed.
SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake in one place, and the tests that must notice it."""

    name: str
    before: str
    after: str
    tests: tuple[str, ...]


def mutant(name: str, before: str, after: str, *tests: str) -> Mutant:
    """A mutant; its tests are folders or files below `tests/`."""
    return Mutant(name, before, after, tuple(f"tests/{one}" for one in tests))


MUTANTS: Final = (
    # --- domain
    mutant(
        "one vote less is enough",
        "if len(votes) < self.approvals and votes:",
        "if len(votes) < self.approvals - 1 and votes:",
        "domain",
    ),
    mutant(
        "one person approves for several",
        "if decision.is_approve and self.approvals > 1:",
        "if decision.is_approve and self.approvals > 99:",
        "domain",
    ),
    mutant(
        "a delegate's vote counts beside the absent person's",
        "if before.voices & vote.voices:",
        "if before.by.id == vote.by.id:",
        "domain",
    ),
    mutant(
        "only the delegate takes a vote back",
        "if user not in vote.voices",
        "if user != vote.by.id",
        "domain",
    ),
    mutant(
        "a decision that was surely not sent counts as taken",
        "return self._infer(at) if self.in_doubt else self._close_unsent(at)",
        "return self._infer(at)",
        "domain",
    ),
    mutant(
        "the same output after a Revise that was not sent is a new round",
        "return round_.in_doubt and _asked_for_changes(round_)",
        "return _asked_for_changes(round_)",
        "domain",
    ),
    mutant(
        "a claim that changed hands is not asked about again",
        "and (self.claim is None or self.claim.by.id == seen.claimed_by)",
        "and (self.claim is None or bool(seen.claimed_by))",
        "domain",
    ),
    mutant(
        "a refusal after doubt loses the doubt",
        "surely_not = self if in_doubt else replace(self, in_doubt_since=None)",
        "surely_not = replace(self, in_doubt_since=None)",
        "domain",
    ),
    mutant(
        "secrets in JSON in JSON are shown",
        "yield escape(escape(text))",
        "yield escape(text)",
        "domain",
    ),
    # --- use cases
    mutant(
        "an uncertain right of an earlier voter lapses",
        "if not refused.uncertain:",
        "if True:",
        "usecases",
    ),
    mutant(
        "guests decide where anyone may",
        "return directory.is_in(user, channel, guests=role is Role.READER)",
        "return directory.is_in(user, channel, guests=True)",
        "usecases",
        "journeys/test_who.py",
    ),
    mutant(
        "activity is no evidence",
        "if moved or activity_count > round_.activity_before:",
        "if moved:",
        "usecases",
    ),
    mutant(
        "a decision of old leaves its timers",
        "if transition.round.state is not State.WAITING:\n                await cancel(tx, round_)",
        "if transition.round.state is State.WAITING:\n                await cancel(tx, round_)",
        "usecases",
    ),
    mutant(
        "notes that wait are not asked about",
        "if not caveats.all_in(seen):",
        "if not caveats.all_in(seen) and caveats.is_excerpt:",
        "usecases",
    ),
    mutant(
        "an older status outdates a newer one",
        "if execution.asked_at is not None and asked_at < execution.asked_at:",
        "if execution.asked_at is not None and asked_at > execution.asked_at:",
        "usecases",
    ),
    mutant(
        "a destination that is away is asked eight times at once",
        "free = (1 if self._failures else self.pace.at_once) - len(self._under_way)",
        "free = self.pace.at_once - len(self._under_way)",
        "usecases/delivery",
    ),
    # --- store
    mutant(
        "a job overtakes an earlier one of its key",
        "_earlier.c.id < outbox.c.id,",
        "_earlier.c.id > outbox.c.id,",
        "store",
    ),
    mutant(
        "a lost lease completes another's job",
        'outbox.c.lease_until == sa.bindparam("b_lease", type_=outbox.c.lease_until.type),',
        "outbox.c.lease_until.is_not(None),",
        "store",
    ),
    mutant(
        "a round is saved over a newer one",
        'rounds.c.version == sa.bindparam("b_version")',
        'rounds.c.version <= sa.bindparam("b_version") + 99',
        "store",
        "usecases",
    ),
    mutant(
        "an exception keeps what its transaction changed",
        "turn.over.set_result(kept)",
        "turn.over.set_result(True)",
        "store",
    ),
    mutant(
        "whoever waits goes on before the commit",
        "await asyncio.shield(turn.durable)",
        "await asyncio.sleep(0)",
        "store",
    ),
    mutant(
        "a job is leased before its card is posted",
        "~_WAITS_FOR_CARD,",
        "",
        "store",
        "usecases",
    ),
    # --- slack
    mutant(
        "a post whose answer was lost is posted again",
        "if found is not None:\n                return MessageRef(channel, found,",
        "if found == key:\n                return MessageRef(channel, found,",
        "slack",
    ),
    mutant(
        "requests of other workspaces are let through",
        "if identity.is_own_team(context.team_id, context.enterprise_id):",
        "if identity.is_own_team(context.team_id, context.enterprise_id) or identity.is_known:",
        "slack",
        "journeys/test_who.py",
    ),
    mutant(
        "agents mention everybody",
        'return _TOKEN.sub(rf"\\g<0>{JOINER}", text)',
        "return text",
        "slack",
    ),
    mutant(
        "a character outside the BMP counts as one",
        'else len(text.encode("utf-16-le", "surrogatepass")) // 2',
        "else len(text)",
        "slack",
    ),
    # --- crewai and web
    mutant(
        "every 404 is a crew's own",
        "gone = answer.status == HTTPStatus.NOT_FOUND and is_crews_own(answer.body)",
        "gone = answer.status == HTTPStatus.NOT_FOUND",
        "crewai",
    ),
    mutant(
        "a 502 counts as not sent",
        "case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:",
        "case 429 | 502 | 503:",
        "crewai",
    ),
    mutant(
        "link-local addresses are called",
        "return _is_public(found) or (private and _is_in(found, _PRIVATE))",
        "return _is_public(found) or private",
        "crewai",
    ),
    mutant(
        "any user of Basic is the crew",
        "return _is_same(given.password, self.webhook_secret) and right_user",
        "return _is_same(given.password, self.webhook_secret)",
        "web",
        "journeys",
    ),
)


def main(names: list[str]) -> int:
    """Run the named mutants, or all; 1 if one is not noticed."""
    chosen = [one for one in MUTANTS if not names or any(name in one.name for name in names)]
    unnoticed = [one for one in chosen if not _is_noticed(one)]
    print(f"{len(chosen) - len(unnoticed)} of {len(chosen)} mutants were noticed")
    return 1 if unnoticed else 0


def _is_noticed(one: Mutant) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        _copy(copy)
        found = _break(copy, one)
        verdict = "not found once" if not found else _run(copy, one)
    print(f"{verdict:<14} {time.monotonic() - began:5.0f} s  {one.name}", flush=True)
    return verdict == "noticed"


def _copy(to: Path) -> None:
    """Copy what git tracks; the tests find the environments beside it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)


def _break(copy: Path, one: Mutant) -> bool:
    texts = {path: path.read_text(encoding="utf-8") for path in (copy / "bot").rglob("*.py")}
    places = [path for path, text in texts.items() if one.before in text]
    if len(places) != 1 or texts[places[0]].count(one.before) != 1:
        return False
    places[0].write_text(texts[places[0]].replace(one.before, one.after), encoding="utf-8")
    return True


def _run(copy: Path, one: Mutant) -> str:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "2", *one.tests]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=copy,
            check=False,
            capture_output=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "noticed"
    # 1: tests failed; 2: collecting them did.
    return {0: "NOT NOTICED", 1: "noticed", 2: "noticed"}.get(done.returncode, "NOT RUN")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
