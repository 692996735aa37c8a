"""`docs/audit.md` explains the codes that there are."""

from crewgate.domain.audit import Code
from tests.repo.files import rows


def test_every_code_is_explained_by_its_own_sentence() -> None:
    assert [*map(tuple, rows("docs/audit.md", "codes"))] == [
        (f"`{code.value}`", code.told) for code in Code
    ]
