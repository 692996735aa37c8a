"""`docs/audit.md` explains the codes that there are, and names controls by real entries."""

import re

from crewgate.domain.audit import Code
from tests.repo.files import code_strings, marked

DOCUMENT = "docs/audit.md"


def test_every_code_is_explained_by_its_own_sentence() -> None:
    listed = [line for line in marked(DOCUMENT, "codes").splitlines() if line.startswith("CG")]
    assert listed == [f"{code.value} {code.told}" for code in Code]


def test_every_control_is_shown_by_an_entry_with_these_fields() -> None:
    codes = {code.value for code in Code}
    listed = f"\n{marked(DOCUMENT, 'controls')}".split("\n- ")[1:]
    assert len(listed) >= 14
    for control, _, entry in (one.partition(": ") for one in listed):
        assert codes & set(re.findall(r"`(CG\d+)`", entry)), control
    named = set(re.findall(r"`(\w+)`", marked(DOCUMENT, "controls")))
    fields = set(code_strings("bot/crewgate").splitlines()) | codes
    assert len(named - codes) >= 8
    assert named - fields == set()
