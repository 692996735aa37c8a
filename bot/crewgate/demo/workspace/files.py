"""Files: preparing an upload, receiving it, and sharing the result in a channel."""

from dataclasses import replace
from typing import Final

from aiohttp import web

from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.chat import open_channel
from crewgate.demo.workspace.wire import Args, Method, Refused, file_json
from crewgate.demo.workspace.world import BOT_USER_ID, File, Message, World

_MAX_BYTES: Final = 1024**3


def prepare(world: World, args: Args) -> Json:
    name, size = args.required("filename"), args.number("length", 0)
    if not 0 < size <= _MAX_BYTES:
        raise Refused("invalid_arguments")
    file = File(world.new_id("F"), name, size)
    world.files[file.id] = file
    return {"upload_url": f"{world.url}/upload/{file.id}", "file_id": file.id}


def complete(world: World, args: Args) -> Json:
    """`files.completeUploadExternal`: one message with the files, in each named channel."""
    named = args.json("files", "invalid_arguments") or []
    if not named:
        raise Refused("invalid_arguments")
    channels = args.text("channel_id") or args.text("channels")
    targets = [open_channel(world, name) for name in channels.split(",") if name]
    thread_ts = args.text("thread_ts") or None
    for channel in targets:
        if thread_ts is not None and thread_ts not in channel.messages:
            raise Refused("thread_not_found")
    files = [_uploaded(world, one) for one in named]
    for channel in targets:
        shared = tuple(replace(file, channel=channel.id, thread_ts=thread_ts) for file in files)
        world.files.update({file.id: file for file in shared})
        world.put(
            Message(
                channel=channel.id,
                ts=world.new_ts(),
                user=BOT_USER_ID,
                bot=True,
                text=args.text("initial_comment"),
                thread_ts=thread_ts,
                files=shared,
            )
        )
    return {"files": [file_json(world, file) for file in files]}


def _uploaded(world: World, named: Json) -> File:
    file = world.files.get(str(named.get("id")))
    if file is None or file.content is None:
        raise Refused("file_not_found")
    return replace(file, title=str(named.get("title") or file.name))


def receive_upload(world: World, file_id: str, content: bytes) -> web.Response:
    """Store the bytes of a prepared file; their number must be the announced one."""
    file = world.files.get(file_id)
    if file is None:
        return web.Response(status=404, text="no such upload")
    if len(content) != file.size:
        return web.Response(status=400, text=f"expected {file.size} bytes, not {len(content)}")
    world.files[file_id] = replace(file, content=content)
    return web.Response(text=f"OK - {len(content)}")


METHODS: Final[dict[str, Method]] = {
    "files.getUploadURLExternal": prepare,
    "files.completeUploadExternal": complete,
}
