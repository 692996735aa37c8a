"""Emoji by their names in Slack; unknown names stay as text."""

import re
import unicodedata
from typing import Final

#: The names that are Slack's own; any other is the character's name in Unicode.
CHARACTERS: Final = {
    "+1": "👍",
    "-1": "👎",
    "100": "💯",
    "arrow_down": "⬇️",
    "arrow_forward": "▶️",
    "arrow_left": "⬅️",
    "arrow_right": "➡️",
    "arrow_up": "⬆️",
    "arrow_up_down": "↕️",
    "arrows_counterclockwise": "🔄",
    "book": "📖",
    "boom": "💥",
    "bulb": "💡",
    "calendar": "📆",
    "checkered_flag": "🏁",
    "clap": "👏",
    "clock1": "🕐",
    "computer": "💻",
    "construction": "🚧",
    "dart": "🎯",
    "date": "📅",
    "email": "📧",
    "exclamation": "❗",
    "fast_forward": "⏩",
    "grey_exclamation": "❕",
    "grey_question": "❔",
    "hand": "✋",
    "heart": "❤️",
    "heavy_exclamation_mark": "❗",
    "hourglass_flowing_sand": "⏳",
    "information_source": "ℹ️",
    "link": "🔗",
    "mag": "🔍",
    "moneybag": "💰",
    "muscle": "💪",
    "ok_hand": "👌",
    "pencil": "📝",
    "pencil2": "✏️",
    "point_left": "👈",
    "point_right": "👉",
    "pray": "🙏",
    "question": "❓",
    "raising_hand": "🙋",
    "red_circle": "🔴",
    "repeat": "🔁",
    "rotating_light": "🚨",
    "smile": "😄",
    "smiley": "😃",
    "sos": "🆘",
    "star": "⭐",
    "star2": "🌟",
    "tada": "🎉",
    "thinking": "🤔",
    "thumbsup": "👍",
    "truck": "🚚",
    "warning": "⚠️",
    "wave": "👋",
    "white_check_mark": "✅",
    "white_circle": "⚪",
    "white_medium_square": "◻️",
    "x": "❌",
    "zap": "⚡",
    "zzz": "💤",
}

_EMOJI_NAME = re.compile(r":([a-z0-9_+-]+):")
#: Lets a character that is text by default be shown as a picture.
_AS_PICTURE: Final = "\ufe0f"


def character(name: str) -> str:
    """The emoji of this name, or the name as people type it."""
    if name in CHARACTERS:
        return CHARACTERS[name]
    try:
        found = unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        found = ""
    if len(found) != 1 or unicodedata.category(found) != "So":
        return f":{name}:"
    # What is wide is a picture by default.
    return found if unicodedata.east_asian_width(found) == "W" else found + _AS_PICTURE


def with_emoji(text: str) -> str:
    """The text with every known `:name:` as its emoji."""
    return _EMOJI_NAME.sub(lambda match: character(match[1]), text)
