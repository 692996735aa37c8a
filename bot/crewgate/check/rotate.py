"""`crewgate rotate`: all credentials under the newest key, also beside a running bot."""

from crewgate.check.database import of_this_version
from crewgate.check.findings import say
from crewgate.encryption import MAKE_KEY
from crewgate.runtime import Runtime
from crewgate.settings.load import Settings
from crewgate.slack.strings import counted
from crewgate.store.engine import open_beside, scrub
from crewgate.store.failures import translate_errors
from crewgate.store.secret_keys import rotate


async def run_rotate(settings: Settings, *, forget: bool) -> int:
    """Encrypt them; 1 if one cannot be read. Raises StoreUnavailable and SecretKeysRefused."""
    keys = settings.secret_keys
    if not keys:
        say(f"✗ SECRET_KEYS is not set; set it to what `{MAKE_KEY}` prints, and restart the bot")
        return 1
    async with of_this_version(open_beside(settings.database_url)) as engine:
        with translate_errors():
            done, lost = await rotate(engine, keys, forget=forget, sleep=Runtime().sleep)
    is_scrubbed = await scrub(settings.database_url)
    if lost and not forget:
        say(
            f"✗ {counted(lost, 'credential')} cannot be read with any key: put the missing one back"
            " into SECRET_KEYS; if it is lost for good, --forget takes out what only it opens"
        )
        return 1
    if not is_scrubbed:
        say("! the database's -wal file is in use and may have what was replaced: try again")
    say(f"✓ encrypted {counted(done, 'credential')} with the first key; no other is needed now")
    if lost:
        say(f"! took out {counted(lost, 'credential')} that no key opens")
    return 0
