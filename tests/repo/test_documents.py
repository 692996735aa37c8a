"""The documents hang together, and name commands that exist."""

import re

import pytest

from tests.repo.files import DOCUMENTS, ROOT, read

README_LINES = 180
LINKED = (*DOCUMENTS, "CHANGELOG.md")


def anchors(document: str) -> set[str]:
    """The names by which GitHub links to a document's headings."""
    text = re.sub(r"^```.*?^```", "", read(document), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in headings}


@pytest.mark.parametrize("document", LINKED)
def test_every_link_between_documents_leads_somewhere(document: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", read(document)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = ((ROOT / document).parent / path).resolve() if path else ROOT / document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(str(target.relative_to(ROOT))), link


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len(read("README.md").splitlines()) <= README_LINES


def test_every_document_is_linked_from_the_readme() -> None:
    for document in DOCUMENTS:
        assert document == "README.md" or f"]({document})" in read("README.md")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_is_named_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", read(document))) <= targets
