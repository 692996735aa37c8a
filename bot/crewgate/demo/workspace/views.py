"""The methods that show modals and Home pages: `views.*`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from crewgate.demo.workspace.args import Args, Method, Refused, refuse_problems
from crewgate.demo.workspace.blocks import view_problems
from crewgate.demo.workspace.records import View
from crewgate.demo.workspace.text import Json
from crewgate.demo.workspace.wire import view_json
from crewgate.demo.workspace.world import World

TRIGGER_SECONDS: Final = 3
"""The life of a `trigger_id`, in seconds; it may be used once."""
MAX_DEPTH: Final = 3
"""The most modals that can be stacked."""


def methods(world: World) -> dict[str, Method]:
    """These methods on this workspace."""
    views = Views(world)
    return {
        "views.open": views.open,
        "views.push": views.push,
        "views.update": views.update,
        "views.publish": views.publish,
    }


class Views:
    """The views that people see. Also used when a modal's submission is answered with a view."""

    def __init__(self, world: World) -> None:
        self._world = world

    def open(self, args: Args) -> Json:
        """`views.open`: the first modal, in place of all that were open."""
        content = _content(args, "modal")
        user = self._exchange(args.required("trigger_id"))
        self._world.modals[user] = []
        return {"view": view_json(self.show(user, content))}

    def push(self, args: Args) -> Json:
        """`views.push`: one more modal on top."""
        content = _content(args, "modal")
        user = self._exchange(args.required("trigger_id"))
        return {"view": view_json(self.show(user, content))}

    def update(self, args: Args) -> Json:
        """`views.update`, by id or `external_id`."""
        content = _content(args, "modal", "home")
        view = self._find(args)
        _check_hash(args, view)
        return {"view": view_json(self.change(view, content))}

    def publish(self, args: Args) -> Json:
        """`views.publish`: somebody's Home page."""
        user = args.required("user_id")
        if user not in self._world.users:
            raise Refused("user_not_found")
        content = _content(args, "home")
        view = self._world.homes.get(user)
        if view is not None:
            _check_hash(args, view)
            return {"view": view_json(self.change(view, content))}
        self._world.homes[user] = view = self._new(user, content)
        self._world.changes.announce("home", view)
        return {"view": view_json(view)}

    def show(self, user: str, content: Json) -> View:
        """Put a modal on top of this person's."""
        stack = self._world.modals.setdefault(user, [])
        if len(stack) >= MAX_DEPTH:
            raise Refused("push_limit_reached")
        view = self._new(user, content)
        if stack:
            view.root_id, view.previous_id = stack[0].id, stack[-1].id
        stack.append(view)
        self._world.changes.announce("modal", view)
        return view

    def change(self, view: View, content: Json) -> View:
        """Show something else in the same view."""
        view.content = self._with_ids(content)
        view.hash = self._world.new_id("h")
        self._world.changes.announce(view.content["type"], view)
        return view

    def _new(self, user: str, content: Json) -> View:
        view = View(
            id=self._world.new_id("V"),
            user=user,
            content=self._with_ids(content),
            hash=self._world.new_id("h"),
        )
        return replace(view, root_id=view.id)

    def _with_ids(self, content: Json) -> Json:
        return {**content, "blocks": list(self._world.with_ids(content["blocks"]))}

    def _exchange(self, trigger_id: str) -> str:
        """Use up a trigger; returns its person. Raises Refused."""
        trigger = self._world.triggers.get(trigger_id)
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        if self._world.now() - trigger.issued_at > TRIGGER_SECONDS:
            raise Refused("expired_trigger_id")
        trigger.used = True
        return trigger.user

    def _find(self, args: Args) -> View:
        wanted, external = args.text("view_id"), args.text("external_id")
        modals = [view for stack in self._world.modals.values() for view in stack]
        for view in [*modals, *self._world.homes.values()]:
            if view.id == wanted or (external and view.content.get("external_id") == external):
                return view
        raise Refused("not_found")


def _check_hash(args: Args, view: View) -> None:
    if "hash" in args and args.text("hash") != view.hash:
        raise Refused("hash_conflict")


def _content(args: Args, *kinds: str) -> Json:
    content = args.json("view", "invalid_arguments")
    refuse_problems(view_problems(content), "invalid_arguments")
    if content["type"] not in kinds:
        raise Refused("invalid_arguments", errors=[f"must be one of: {', '.join(kinds)}"])
    return dict(content)
