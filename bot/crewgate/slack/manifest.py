"""The manifest of the Slack app: `crewgate manifest`.

`manifests/` has both variants, as rendered here.
"""

import json
from collections.abc import Mapping
from typing import Final

from crewgate.slack import ids
from crewgate.slack.client.web_api import OPTIONAL_SCOPES

BOT_SCOPES: Final[Mapping[str, str]] = {
    "chat:write": "cards and private answers",
    "commands": "/crew",
    "channels:history": "notes in threads, finding a posted card again",
    "groups:history": "notes in the threads of private channels",
    "channels:read": "who is in a channel",
    "groups:read": "who is in a private channel",
    "im:write": "direct messages to reviewers",
    "im:history": "finding a posted direct message again",
    "files:write": "outputs too long for a message, and numbers as CSV",
    "reactions:write": "acknowledging a note",
    "users:read": "guests, names of those who write notes",
    "users:read.email": "reviewers named by e-mail",
    "usergroups:read": "reviewers named by user group",
}

_USAGE: Final = (
    "help | status [execution] | pending [mine] | kickoff [crew]"
    " | stats [crew] [7d|30d|90d] | lessons [crew] | rules | away [until DATE] [for @PERSON] | back"
    " | morning [TIME|off]"
)
#: The placeholder for the bot's host, if the settings do not name one.
YOUR_HOST: Final = "YOUR-HOST"

_SOCKET_MODE: Final = """\
# Slack > Your apps > Create an app > From a manifest. Then, under Basic Information, make an
# app-level token with the scope connections:write: it becomes SLACK_APP_TOKEN.
"""
_HTTP: Final = """\
# Slack > Your apps > Create an app > From a manifest. Its Signing Secret, under Basic Information,
# becomes SLACK_SIGNING_SECRET.
"""
_REPLACE: Final = f"# Replace every {YOUR_HOST} by the host of your PUBLIC_URL.\n"


def render_manifest(*, name: str = "Crewgate", http_host: str | None = None) -> str:
    """Return the manifest in YAML; without a host, the app uses Socket Mode."""
    head, url, request_url = _SOCKET_MODE, "", ""
    if http_host is not None:
        head = _HTTP + (_REPLACE if http_host == YOUR_HOST else "")
        address = f"https://{http_host}/slack/events"
        url, request_url = f"\n      url: {address}", f"\n    request_url: {address}"
    quoted = json.dumps(name, ensure_ascii=False)
    width = max(map(len, BOT_SCOPES))
    scopes = "\n".join(f"      - {scope:{width}} # {use}" for scope, use in BOT_SCOPES.items())
    optional = "\n".join(f"      - {scope}" for scope in OPTIONAL_SCOPES)
    return f"""\
{head}display_information:
  name: {quoted}
  description: Review what your CrewAI crews did, and let them go on
  background_color: "#1d3557"
features:
  app_home:
    home_tab_enabled: true
    messages_tab_enabled: true
    messages_tab_read_only_enabled: true
  bot_user:
    display_name: {quoted}
    always_online: true
  slash_commands:
    - command: {ids.COMMAND}{url}
      description: See what your crews wait for
      usage_hint: "{_USAGE}"
      should_escape: true # people arrive with their ids: /crew away for @Ben
oauth_config:
  scopes:
    bot:
{scopes}
    bot_optional: # the app works without; crewgate check tells what is off
{optional}
settings:
  event_subscriptions:{request_url}
    bot_events:
      - app_home_opened # the queue
      - message.channels # notes in threads
      - message.groups # the same in private channels
  interactivity:
    is_enabled: true{request_url}
  org_deploy_enabled: false
  socket_mode_enabled: {str(http_host is None).lower()}
  token_rotation_enabled: false
"""
