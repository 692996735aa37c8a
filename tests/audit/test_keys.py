"""The key that signs heads is made once, for this user alone, and is used only then."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crewgate.audit.keys import KeyUnusable, open_signer
from crewgate.domain.audit import Head, Signature
from crewgate.settings.load import Settings

HEAD = Head(3, bytes(range(32)))
SEED = "0f" * 32


def settings(folder: Path, key: str | None = None) -> Settings:
    url = f"sqlite+aiosqlite:///{folder / 'crewgate.db'}"
    return Settings(slack_bot_token="xoxb-1", database_url=url, audit_key=key, crews={})


def is_valid(signed: Signature) -> None:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed.key))
    key.verify(bytes.fromhex(signed.signature), HEAD.signed)


def test_a_key_is_made_once_beside_the_database(tmp_path: Path) -> None:
    path = tmp_path / "crewgate.db.audit-key"
    signed = open_signer(settings(tmp_path), make=True)(HEAD)
    is_valid(signed)
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_signer(settings(tmp_path), make=True)(HEAD) == signed
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_key_that_was_half_written_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "crewgate.db.audit-key.part").write_text("0f")
    is_valid(open_signer(settings(tmp_path), make=True)(HEAD))


def test_the_settings_count_more(tmp_path: Path) -> None:
    is_valid(open_signer(settings(tmp_path, SEED), make=True)(HEAD))
    assert list(tmp_path.iterdir()) == []


def test_a_reader_makes_none(tmp_path: Path) -> None:
    assert open_signer(settings(tmp_path), make=False)(HEAD) == Signature("", "")
    assert list(tmp_path.iterdir()) == []


def test_postgresql_has_no_place_for_one() -> None:
    url = "postgresql+asyncpg://x@y/z"
    without = Settings(slack_bot_token="xoxb-1", database_url=url, crews={})
    assert open_signer(without, make=True)(HEAD) == Signature("", "")


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    open_signer(settings(tmp_path), make=True)
    (tmp_path / "crewgate.db.audit-key").chmod(mode)
    with pytest.raises(KeyUnusable, match=r"others can read the audit key .* chmod 600 it"):
        open_signer(settings(tmp_path), make=True)


@pytest.mark.parametrize("text", ["", "0f0f\n", "no hex"])
def test_another_file_of_that_name_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "crewgate.db.audit-key"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(KeyUnusable, match="holds no audit key"):
        open_signer(settings(tmp_path), make=True)


def test_a_folder_that_takes_none_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="cannot be read or made"):
        open_signer(settings(tmp_path / "gone"), make=True)
