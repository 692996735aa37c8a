"""Parsers of Slack's payloads. Only ids are trusted.

Each parser raises Malformed for a payload of another shape.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from crewgate.domain.caveats import Seen
from crewgate.domain.errors import Malformed
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.metadata import (
    ReaderPosition,
    Walk,
    parse_asked,
    parse_position,
    parse_walk,
)
from crewgate.usecases.read_models import MessageRef

P = ParamSpec("P")
T = TypeVar("T")


def raises_malformed(parse: Callable[P, T]) -> Callable[P, T]:
    """Make a parser raise Malformed, and nothing else, for undocumented shapes."""

    @wraps(parse)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return parse(*args, **kwargs)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise Malformed("not a payload as Slack documents it") from error

    return checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A sent form that decides: a revision, or an approval with or without a comment."""

    round_id: str
    by: Person
    feedback: str
    box: str
    """The block of the text field, which shows an error."""
    form: str
    title: str
    seen: Seen
    walk: Walk | None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A modal or Home, as Slack shows it."""

    id: str = ""
    hash: str = ""
    """Changes with every update of the view."""
    metadata: str = ""
    """The bot's own text, without a walk: a form's `asked`, a reader's position, a Home's page."""
    position: ReaderPosition | None = None
    walk: Walk | None = None
    typed: str = ""
    box: str = ids.FEEDBACK
    rows: tuple[str, ...] = ()
    is_first: bool = True
    """False for a modal on top of another."""


NO_VIEW: Final = View()
"""The view of a press in a message."""


def parse_view(view: Mapping[str, Any]) -> View:
    """Parse the `view` of a payload; `raises_malformed` turns any error into Malformed."""
    box, typed = _find_feedback(view)
    metadata, walk = parse_walk(str(view.get("private_metadata", "")))
    return View(
        id=str(view.get("id", "")),
        hash=str(view.get("hash", "")),
        metadata=metadata,
        position=parse_position(metadata),
        walk=walk,
        typed=typed,
        box=box,
        rows=tuple(
            str(one.get("block_id", ""))
            for one in view.get("blocks") or ()
            if one["type"] == "actions"
        ),
        is_first=not view.get("previous_view_id"),
    )


@raises_malformed
def parse_place(body: Mapping[str, Any]) -> dict[str, str]:
    container = body.get("container") or {}
    [action, *_] = body.get("actions") or [{}]
    view = body.get("view") or {}
    pressed = action.get("action_ts") or _opened_at(str(view.get("private_metadata")))
    found = {
        "action_ts": _TS.fullmatch(str(pressed)) and pressed,
        "channel": container.get("channel_id"),
        "message_ts": container.get("message_ts"),
        "view": view.get("id"),
    }
    return {name: str(value) for name, value in found.items() if value}


#: Slack's time of a press, in seconds since 1970.
_TS: Final = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")


def _opened_at(metadata: str) -> str | None:
    """Return the time of the press that opened a form, if its metadata is of `asked`."""
    try:
        _, _, _, asked_about, *_ = json.loads(metadata.partition("\n")[0])
    except (TypeError, ValueError):
        return None
    return str(asked_about).partition(" ")[0]


@raises_malformed
def parse_submission(body: Mapping[str, Any]) -> Submission:
    form = body["view"]
    view = parse_view(form)
    round_id, seen = parse_asked(view.metadata)
    return Submission(
        round_id=round_id,
        seen=seen,
        by=parse_person(body["user"]),
        feedback=view.typed,
        box=view.box,
        form=str(form.get("callback_id", "")),
        title=str((form.get("title") or {}).get("text", "")),
        walk=view.walk,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EditForm:
    """A sent form with a round's output, or with a call's arguments."""

    round_id: str
    by: Person
    seen: Seen
    written: tuple[str, ...]
    revision: int
    mark: str
    """Identifies the form's initial text if it has masks, or its initial arguments."""
    field: str
    walk: Walk | None

    def box(self, text: str = "") -> str:
        found = (number for number, part in enumerate(self.written) if text in part)
        return edit_box(self.revision, next(found, 0), self.field)


def edit_box(revision: int, number: int, field: str = ids.EDITED) -> str:
    return f"{field}.{revision}.{number}"


@raises_malformed
def parse_edit_form(body: Mapping[str, Any]) -> EditForm:
    view = body["view"]
    metadata, walk = parse_walk(str(view["private_metadata"]))
    round_id, seen = parse_asked(metadata)
    values = view["state"]["values"]
    places = {tuple(map(int, name.split(".")[1:])): name for name in values}
    revision, field = min(places)[0], min(values).partition(".")[0]
    entered = [values[name][field] for _, name in sorted(places.items())]
    chosen = ((box.get("selected_option") or box).get("value") for box in entered)
    return EditForm(
        round_id=round_id,
        by=parse_person(body["user"]),
        seen=seen,
        written=tuple(map(_storable, chosen)),
        revision=revision,
        mark="".join(map(str, json.loads(metadata)[4:-1])),
        field=field,
        walk=walk,
    )


@dataclass(frozen=True, slots=True)
class HomeOpened:
    """An opened Home; `view` is its present content."""

    user: str
    view: View


@raises_malformed
def parse_home_opened(event: Mapping[str, Any]) -> HomeOpened | None:
    """Parse an `app_home_opened` event; None for the app's other tab, its messages."""
    if event.get("tab") != "home":
        return None
    return HomeOpened(str(event["user"]), parse_view(event.get("view") or {}))


def _find_feedback(view: Mapping[str, Any]) -> tuple[str, str]:
    values = (view.get("state") or {}).get("values") or {}
    for block_id, entered in values.items():
        if ids.FEEDBACK in entered:
            return str(block_id), _storable(entered[ids.FEEDBACK].get("value"))
    return ids.FEEDBACK, ""


@dataclass(frozen=True, slots=True)
class Command:
    """`/crew` with the text after it."""

    arguments: tuple[str, ...]
    by: Person
    trigger_id: str = ""
    text: str = ""
    """The text as typed; Slack may write people as `<@U0BEN|ben>`."""


@raises_malformed
def parse_command(body: Mapping[str, Any]) -> Command:
    return Command(
        arguments=tuple(readable(body).split()),
        by=Person(str(body["user_id"]), str(body.get("user_name") or body["user_id"])),
        trigger_id=str(body.get("trigger_id", "")),
        text=_storable(body.get("text")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KickoffForm:
    """The form of `/crew kickoff` as sent: a chosen crew, or the crew's inputs."""

    crew: str
    by: Person
    values: Mapping[str, str]
    view_id: str
    view_hash: str

    @property
    def id(self) -> str:
        """The id of one opened form: opened again, the form has another hash."""
        return f"{self.view_id}.{self.view_hash}"


@raises_malformed
def parse_kickoff_form(body: Mapping[str, Any]) -> KickoffForm:
    """Parse the choice of a crew, or the form with its inputs, whose metadata names the crew."""
    view = body["view"]
    entered, crew = view["state"]["values"], view.get("private_metadata", "")
    if ids.CREW in entered:
        crew = (entered[ids.CREW][ids.CREW]["selected_option"] or {}).get("value", "")
    prefix = f"{ids.KICKOFF_INPUT}."
    return KickoffForm(
        crew=str(crew),
        by=parse_person(body["user"]),
        values={
            block.removeprefix(prefix): _storable(fields[ids.KICKOFF_INPUT].get("value")).strip()
            for block, fields in entered.items()
            if block.startswith(prefix)
        },
        view_id=str(view["id"]),
        view_hash=str(view.get("hash", "")),
    )


@dataclass(frozen=True, slots=True)
class Written:
    """A message that a person wrote in a thread."""

    ref: MessageRef
    by: Person
    text: str


@dataclass(frozen=True, slots=True)
class Edited:
    """A message that a person changed."""

    channel: str
    ts: str
    text: str
    edited_ts: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message that is gone."""

    channel: str
    ts: str


#: The subtypes of people's messages: no subtype, a reply shown in the channel too, and a file.
_BY_PEOPLE: Final = frozenset({None, "thread_broadcast", "file_share"})


@raises_malformed
def parse_message(event: Mapping[str, Any]) -> Written | Edited | Deleted | None:
    """Parse a `message` event: written in a thread, changed by a person, or deleted; else None."""
    channel, subtype = str(event.get("channel", "")), event.get("subtype")
    if subtype == "message_deleted":
        return Deleted(channel, str(event.get("deleted_ts", "")))
    if subtype == "message_changed":
        message = event.get("message") or {}
        edited = message.get("edited") or {}
        if not edited.get("ts") or message.get("bot_id"):
            return None  # not a person's edit: Slack unfurled a link or counted a reply
        return Edited(channel, str(message.get("ts", "")), readable(message), str(edited["ts"]))
    return _written(event, channel) if subtype in _BY_PEOPLE else None


def _written(event: Mapping[str, Any], channel: str) -> Written | None:
    thread_ts, user, ts = event.get("thread_ts"), event.get("user"), event.get("ts")
    text = readable(event)
    if event.get("bot_id") or not user or thread_ts in {None, "", ts} or not text.strip():
        return None
    ref = MessageRef(channel, str(ts), str(thread_ts))
    return Written(ref, Person(str(user), str(user)), text)


_LINK: Final = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")


def readable(message: Mapping[str, Any]) -> str:
    text = _LINK.sub(_typed, _storable(message.get("text")))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _storable(text: object) -> str:
    """Return a person's text; NUL and lone surrogates, which PostgreSQL refuses, become U+FFFD."""
    return re.sub("[\0\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", str(text or ""))


def _typed(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith(("@", "!")):
        name = label or target[1:]
        return name if name.startswith("@") else f"@{name}"
    if label and target not in {label, f"mailto:{label}", f"http://{label}"}:
        return f"{label} ({target})"
    return label or target


def parse_person(user: Mapping[str, Any]) -> Person:
    """Parse a payload's user; `raises_malformed` turns any error into Malformed."""
    return Person(str(user["id"]), str(user.get("name") or user.get("username") or user["id"]))
