"""An organisation of several workspaces, and where in it the app is installed.

Slack calls it Enterprise Grid (https://docs.slack.dev/enterprise). What an app of a whole
organisation is sent is told by maintainers: https://github.com/slackapi/bolt-python/pull/23 and
https://github.com/slackapi/deno-slack-sdk/issues/267.
"""

from dataclasses import dataclass, field
from typing import Final

from crewgate.demo.workspace.records import TEAM_DOMAIN, TEAM_ID
from crewgate.demo.workspace.text import Json

ENTERPRISE_ID: Final = "E0DEMO"
_NAME: Final = "Demo Inc"
#: Their pages say of `team_id`: "required if org token is used". Of the methods that are here.
_OF_ONE_WORKSPACE: Final = frozenset(
    {"conversations.list", "usergroups.list", "usergroups.users.list", "users.conversations"}
)


@dataclass(slots=True)
class Grid:
    """The organisation; the workspace TEAM_ID is one of it."""

    whole: bool = False
    """The app is installed to the organisation; else to the workspace TEAM_ID."""
    teams: dict[str, str] = field(default_factory=lambda: {TEAM_ID: "Demo", "T0SALES": "Sales"})
    """The names of its workspaces, by id."""
    granted: set[str] = field(default_factory=lambda: {TEAM_ID})
    """The workspaces that the app of a whole organisation may act in."""

    def refuses_call(self, method: str, args: Json) -> str | None:
        """Return the error of a call that does not name a workspace that the app may act in."""
        if not (self.whole and method in _OF_ONE_WORKSPACE):
            return None
        return self.refuses(args["team_id"]) if args.get("team_id") else "missing_argument"

    def refuses(self, team_id: str) -> str | None:
        """Return the error of whatever the app does in a workspace where it may not act."""
        if team_id in (self.granted if self.whole else {TEAM_ID}):
            return None
        return "team_access_not_granted" if self.whole else "channel_not_found"

    @property
    def of_token(self) -> Json:
        """The fields of `auth.test` that differ."""
        about = {"enterprise_id": ENTERPRISE_ID, "is_enterprise_install": self.whole}
        if not self.whole:
            return about
        url = f"https://{TEAM_DOMAIN}.enterprise.slack.com/"
        return about | {"url": url, "team": _NAME, "team_id": ENTERPRISE_ID}

    @property
    def of_interaction(self) -> Json:
        """The fields of an interaction that differ."""
        team = {"id": TEAM_ID, "domain": TEAM_DOMAIN, "enterprise_id": ENTERPRISE_ID}
        return {
            "team": None if self.whole else team,
            "enterprise": {"id": ENTERPRISE_ID, "name": _NAME},
            "is_enterprise_install": self.whole,
        }

    @property
    def of_command(self) -> Json:
        """The fields of a slash command that differ."""
        whole = str(self.whole).lower()
        return {"enterprise_id": ENTERPRISE_ID, "is_enterprise_install": whole}

    def of_user(self, user: str, team_id: str) -> Json:
        """The fields of a person that differ: those of other organisations have none."""
        about = {"id": user, "enterprise_id": ENTERPRISE_ID, "teams": [team_id]}
        return {"enterprise_user": about} if team_id in self.teams else {}
