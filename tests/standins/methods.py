"""Methods of the Web API for which no setting of the demo asks."""

from typing import Final

from crewgate.demo.workspace import wire
from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.reads import cut
from crewgate.demo.workspace.world import World
from tests.standins.grid import GridWorld


def joined_channels(world: World, args: wire.Args) -> Json:
    kinds = {kind.strip() for kind in args.text("types", "public_channel").split(",")}
    found = [
        wire.channel_json(channel)
        for channel in world.channels.values()
        if channel.kind in kinds
        and channel.bot_is_member
        and channel.team_id == args.text("team_id", channel.team_id)
        and not (channel.archived and args.flag("exclude_archived"))
    ]
    page, cursor = cut(args, found)
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def channel_info(world: World, args: wire.Args) -> Json:
    """`conversations.info`, which tells of archived channels too."""
    channel = world.channels.get(args.required("channel"))
    if channel is None:
        raise wire.Refused("channel_not_found")
    return {"channel": wire.channel_json(channel)}


def group_members(world: World, args: wire.Args) -> Json:
    groups = world.groups if isinstance(world, GridWorld) else {}
    group = groups.get(args.required("usergroup"))
    if group is None:
        raise wire.Refused("no_such_subteam")
    return {"users": list(group.members)}


def delete(world: World, args: wire.Args) -> Json:
    """`files.delete`: the sharing message goes with its last file."""
    file = world.files.pop(args.required("file"), None)
    if file is None:
        raise wire.Refused("file_not_found")
    messages = world.channels[file.channel].messages if file.channel else {}
    for message in [one for one in messages.values() if file.id in {f.id for f in one.files}]:
        world.remove(message)
    return {}


METHODS: Final[dict[str, wire.Method]] = {
    "conversations.info": channel_info,
    "files.delete": delete,
    "usergroups.users.list": group_members,
    "users.conversations": joined_channels,
}
