"""The documents hang together, and what they name exists."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crewgate.__main__ import main
from crewgate.domain.audit import Code
from crewgate.settings.load import VARIABLES
from tests.repo.files import DOCUMENTS, ROOT, code_strings, read

README_LINES = 160
WORDS = {"all": 28_700, "operators": 11_800, "docs/architecture.md": 2_500}
"""The most words of all pages and the changelog, of those for operators, and of one."""
MOST_OF_A_PICTURE = 160_000
"""The most bytes of a picture: a first screen is read on a phone too."""
OPERATORS = ("README.md", "docs/install.md", "docs/run.md", "docs/trouble.md", "docs/reference.md")
OTHER_VARIABLES = {"HTTPS_PROXY", "OTEL_EXPORTER_OTLP_HEADERS", "RESEARCH_WEBHOOK_SECRET"}
"""Variables that are no settings of the bot: an example's, and those of libraries."""
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


def test_the_documents_can_be_read_in_one_go() -> None:
    assert len(read("README.md").splitlines()) <= README_LINES
    words = {document: len(read(document).split()) for document in LINKED}
    assert sum(words[one] for one in (*OPERATORS, "CHANGELOG.md")) <= WORDS["operators"]
    assert words["docs/architecture.md"] <= WORDS["docs/architecture.md"]
    assert sum(words.values()) - words["CONTRIBUTING.md"] - words["SECURITY.md"] <= WORDS["all"]


def test_every_document_is_linked_from_the_readme() -> None:
    for document in DOCUMENTS:
        assert document == "README.md" or f"]({document})" in read("README.md")


def test_the_first_screen_names_calls_and_lessons_and_shows_them() -> None:
    first = read("README.md").partition("```sh")[0]
    assert all(one in first for one in ("](SECURITY.md)", "crewgate host", "/gate.py)"))
    pictures = re.findall(r"!\[[^\]]+\]\((\S+)\)", first)
    assert {"call.png", "walk.png", "lesson.png"} <= {Path(one).name for one in pictures}
    assert all((ROOT / one).stat().st_size <= MOST_OF_A_PICTURE for one in pictures)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_is_named_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", read(document))) <= targets


def named_commands() -> dict[str, set[str]]:
    """Return each `crewgate COMMAND` of a document with the options that are named for it."""
    named: dict[str, set[str]] = {}
    for document in LINKED:
        for words in re.findall(
            r"(?:`|^|/)crewgate ([a-z][^`\n#|]*)", read(document), re.MULTILINE
        ):
            command, *options = words.split()
            if command.isalpha():
                named.setdefault(command, set()).update(
                    one for one in options if one.startswith("--")
                )
    return named


@pytest.mark.parametrize(("command", "options"), named_commands().items())
def test_every_command_that_is_named_exists_with_its_options(
    command: str, options: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    missing = {one for one in options if one not in printed}
    if missing and (parts := re.search(r"{([a-z,]+)}", printed)):
        for part in parts[1].split(","):
            with pytest.raises(SystemExit):
                main([command, part, "--help"])
        printed = capsys.readouterr().out
        missing = {one for one in missing if one not in printed}
    assert not missing


@pytest.mark.parametrize("document", OPERATORS)
def test_every_quotation_is_what_the_bot_says(document: str) -> None:
    words = code_strings("bot/crewgate")
    for quoted in re.findall(r"“([^”]+)”", re.sub(r"`[^`]*`", "", read(document))):
        assert all(part.strip() in words for part in quoted.split("…")), quoted


def test_every_button_of_trouble_is_called_as_on_a_card() -> None:
    words = set(code_strings("bot/crewgate/slack").splitlines())
    labels = set(re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)", read("docs/trouble.md")))
    assert labels >= {"Retry", "Dismiss", "Reopen"}
    assert labels <= words


@pytest.mark.parametrize("document", [*OPERATORS, "SECURITY.md", "CHANGELOG.md"])
def test_every_variable_and_every_code_of_the_trail_exists(document: str) -> None:
    names = re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", read(document))
    known = {variable.name for variable in VARIABLES} | OTHER_VARIABLES
    assert {name.removesuffix("_PREVIOUS") for name in names} <= known
    assert set(re.findall(r"\bCG\d{3}\b", read(document))) <= {code.value for code in Code}


# --- commands for a shell ---

BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]+?) -->\n+)?^ *```(?:sh|bash)\n(?P<code>.*?)^ *```",
    flags=re.MULTILINE | re.DOTALL,
)


def blocks() -> list[tuple[str, str]]:
    """Return the shell blocks that are run here, by the place where each stands.

    A block says why if it is not, in a comment before it: `not run: …`. One that is a `sample: …`
    is run in tests/journeys, and so is each that begins with `curl`.
    """
    return [
        (f"{document}: {found['code'].strip().splitlines()[0]}", found["code"])
        for document in DOCUMENTS
        for found in BLOCK.finditer(read(document))
        if not re.match("not run: .|sample: .", found["mark"] or "")
        if not found["code"].lstrip().startswith("curl ")
    ]


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
@pytest.mark.parametrize(("place", "code"), blocks())
def test_every_shell_block_runs_in_an_empty_folder(place: str, code: str, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    ran = subprocess.run(  # noqa: S603
        ["sh", "-euc", code],  # noqa: S607
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, (place, ran.stderr)


def test_every_sample_of_a_shell_is_run_by_a_test() -> None:
    tests = code_strings("tests/journeys")
    samples = re.findall(r"<!-- sample: (.+) -->\n```sh", "".join(map(read, DOCUMENTS)))
    assert len(samples) >= 2
    assert all(one in tests for one in samples), samples
