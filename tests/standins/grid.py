"""An organisation (Enterprise Grid) that the stand-in workspace belongs to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from typing_extensions import override

from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.reads import cut
from crewgate.demo.workspace.wire import Args, Refused
from crewgate.demo.workspace.world import TEAM_DOMAIN, TEAM_ID, Message, World
from tests.standins.links import mentions

ENTERPRISE_ID: Final = "E0DEMO"
_NAME: Final = "Demo Inc"
#: Methods whose pages say of `team_id`: "required if org token is used".
_OF_ONE_WORKSPACE: Final = frozenset(
    {"conversations.list", "usergroups.list", "usergroups.users.list", "users.conversations"}
)


@dataclass(slots=True)
class Grid:
    """The organisation; the workspace TEAM_ID is one of it."""

    whole: bool = False
    """True if the app is installed in the whole organisation; False: only in TEAM_ID."""
    teams: dict[str, str] = field(default_factory=lambda: {TEAM_ID: "Demo", "T0SALES": "Sales"})
    granted: set[str] = field(default_factory=lambda: {TEAM_ID})
    """The workspaces in which an organisation's app may act."""

    def check(self, method: str, args: Json, world: World) -> None:
        """Raise Refused for a call that names no workspace where the app may act, or another."""
        if self.whole and method in _OF_ONE_WORKSPACE:
            if not args.get("team_id"):
                raise Refused("missing_argument")
            self._check_team(args["team_id"])
        named = args.get("channel") or args.get("channel_id") or args.get("channels")
        for name in str(named).split(","):
            for channel in world.channels.values():
                if name not in {channel.id, f"#{channel.name}", channel.name}:
                    continue
                if channel.private and not channel.bot_is_member:
                    continue  # To the bot, a channel it may not see does not exist.
                self._check_team(channel.team_id)
                if self.whole and name != channel.id:
                    # Several workspaces may have a channel of this name.
                    raise Refused("channel_not_found")

    def _check_team(self, team_id: str) -> None:
        """Raise Refused for every action of the app in a workspace where it may not act."""
        if team_id not in (self.granted if self.whole else {TEAM_ID}):
            raise Refused("team_access_not_granted" if self.whole else "channel_not_found")

    @property
    def of_token(self) -> Json:
        """The fields of `auth.test` in an organisation."""
        about = {"enterprise_id": ENTERPRISE_ID, "is_enterprise_install": self.whole}
        if not self.whole:
            return about
        url = f"https://{TEAM_DOMAIN}.enterprise.slack.com/"
        return about | {"url": url, "team": _NAME, "team_id": ENTERPRISE_ID}

    @property
    def of_interaction(self) -> Json:
        """The fields of an interaction in an organisation."""
        team = {"id": TEAM_ID, "domain": TEAM_DOMAIN, "enterprise_id": ENTERPRISE_ID}
        return {
            "team": None if self.whole else team,
            "enterprise": {"id": ENTERPRISE_ID, "name": _NAME},
            "is_enterprise_install": self.whole,
        }

    @property
    def of_authorization(self) -> Json:
        """The fields of an event's authorization in an organisation."""
        return {"enterprise_id": ENTERPRISE_ID, "is_enterprise_install": self.whole}

    @property
    def of_command(self) -> Json:
        """The fields of a slash command in an organisation."""
        whole = str(self.whole).lower()
        return {"enterprise_id": ENTERPRISE_ID, "is_enterprise_install": whole}

    def of_user(self, user: str, team_id: str) -> Json:
        """The fields of a person in an organisation; none for other organisations' people."""
        about = {"id": user, "enterprise_id": ENTERPRISE_ID, "teams": [team_id]}
        return {"enterprise_user": about} if team_id in self.teams else {}


@dataclass(frozen=True, slots=True)
class Group:
    """A user group, mentioned by its handle."""

    id: str
    handle: str
    members: tuple[str, ...]


class GridWorld(World):
    """The state of a workspace with user groups, and of its organisation, if it has one."""

    def __init__(self, *, now: Callable[[], float], grid: Grid | None = None) -> None:
        super().__init__(now=now)
        self.grid = grid
        self.groups: dict[str, Group] = {}
        self.unknown_blocks: set[str] = set()
        """Types of blocks that this workspace does not know yet."""
        self.pings: dict[tuple[str, str], frozenset[str]] = {}
        """The ids of people whom a message has notified since it was first posted."""

    @override
    def put(self, message: Message) -> Message:
        key = (message.channel, message.ts)
        self.pings[key] = self.pings.get(key, frozenset()) | self._pinged(message)
        return super().put(message)

    def _pinged(self, message: Message) -> frozenset[str]:
        """Return the users that the message's mentions notify, members of the channel or not."""
        members = self.channels[message.channel].members
        called: set[str] = set()
        for mention in mentions(message.pieces):
            if mention in {"!channel", "!here", "!everyone", "!group"}:
                called |= members
            elif mention.startswith("!subteam^"):
                group = self.groups.get(mention.removeprefix("!subteam^"))
                called |= set(group.members if group else ())
            elif mention.startswith("@"):
                called.add(mention[1:])
        return frozenset(called & self.users.keys()) - {message.user}


def list_teams(world: World, args: Args) -> Json:
    """`auth.teams.list`: the workspaces in which the app may act."""
    grid = world.grid if isinstance(world, GridWorld) else None
    names = {TEAM_ID: "Demo"} if grid is None else grid.teams
    granted = {TEAM_ID} if grid is None else grid.granted
    page, cursor = cut(args, [{"id": id_, "name": names[id_]} for id_ in sorted(granted)])
    return {"teams": page, "response_metadata": {"next_cursor": cursor}}
