"""The methods that show modals and Home pages: `views.*`."""

from typing import Final

from crewgate.demo.workspace.blocks import Json
from crewgate.demo.workspace.wire import Args, Method, Refused, view_json
from crewgate.demo.workspace.world import View, World

TRIGGER_SECONDS: Final = 3
"""The life of a `trigger_id`, in seconds; it may be used once."""
MAX_DEPTH: Final = 3


def open_modal(world: World, args: Args) -> Json:
    """`views.open`: the first modal, in place of all open ones."""
    content = _content(args, "modal")
    user = _exchange(world, args.required("trigger_id"))
    world.modals[user] = []
    return {"view": view_json(show(world, user, content))}


def push_modal(world: World, args: Args) -> Json:
    content = _content(args, "modal")
    user = _exchange(world, args.required("trigger_id"))
    return {"view": view_json(show(world, user, content))}


def update_view(world: World, args: Args) -> Json:
    content = _content(args, "modal", "home")
    view = _find(world, args)
    _check_hash(args, view)
    return {"view": view_json(change(world, view, content))}


def publish_home(world: World, args: Args) -> Json:
    user = args.required("user_id")
    if user not in world.users:
        raise Refused("user_not_found")
    content = _content(args, "home")
    view = world.homes.get(user)
    if view is not None:
        _check_hash(args, view)
        return {"view": view_json(change(world, view, content))}
    world.homes[user] = view = _new(world, user, content)
    world.changes.announce("home", view)
    return {"view": view_json(view)}


def show(world: World, user: str, content: Json) -> View:
    stack = world.modals.setdefault(user, [])
    if len(stack) >= MAX_DEPTH:
        raise Refused("push_limit_reached")
    view = _new(world, user, content)
    if stack:
        view.root_id, view.previous_id = stack[0].id, stack[-1].id
    stack.append(view)
    world.changes.announce("modal", view)
    return view


def change(world: World, view: View, content: Json) -> View:
    view.content = _with_ids(world, content)
    view.hash = world.new_id("h")
    world.changes.announce(view.content["type"], view)
    return view


def _new(world: World, user: str, content: Json) -> View:
    view_id = world.new_id("V")
    content = _with_ids(world, content)
    return View(id=view_id, user=user, content=content, hash=world.new_id("h"), root_id=view_id)


def _with_ids(world: World, content: Json) -> Json:
    return {**content, "blocks": list(world.with_ids(content["blocks"]))}


def _exchange(world: World, trigger_id: str) -> str:
    """Use up a trigger; return its person. Raises Refused."""
    trigger = world.triggers.get(trigger_id)
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if trigger.used:
        raise Refused("exchanged_trigger_id")
    if world.now() - trigger.issued_at > TRIGGER_SECONDS:
        raise Refused("expired_trigger_id")
    trigger.used = True
    return trigger.user


def _find(world: World, args: Args) -> View:
    wanted, external = args.text("view_id"), args.text("external_id")
    modals = [view for stack in world.modals.values() for view in stack]
    for view in [*modals, *world.homes.values()]:
        if view.id == wanted or (external and view.content.get("external_id") == external):
            return view
    raise Refused("not_found")


def _check_hash(args: Args, view: View) -> None:
    if "hash" in args and args.text("hash") != view.hash:
        raise Refused("hash_conflict")


def _content(args: Args, *kinds: str) -> Json:
    content = args.json("view", "invalid_arguments")
    if content["type"] not in kinds:
        raise Refused("invalid_arguments", errors=[f"must be one of: {', '.join(kinds)}"])
    return dict(content)


def validate(_: World, args: Args) -> Json:
    """`blocks.validate`: the demo takes every block."""
    if sum(name in args for name in ("blocks", "message", "view")) != 1:
        raise Refused("invalid_arguments")
    return {}


METHODS: Final[dict[str, Method]] = {
    "blocks.validate": validate,
    "views.open": open_modal,
    "views.push": push_modal,
    "views.update": update_view,
    "views.publish": publish_home,
}
