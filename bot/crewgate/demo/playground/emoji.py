"""Emoji by their names in Slack; unknown names stay as text."""

from __future__ import annotations

import re
from typing import Final

CHARACTERS: Final = {
    "+1": "👍",
    "-1": "👎",
    "arrow_right": "➡️",
    "arrow_up_down": "↕️",
    "arrows_counterclockwise": "🔄",
    "bar_chart": "📊",
    "bell": "🔔",
    "boom": "💥",
    "bulb": "💡",
    "clipboard": "📋",
    "clock1": "🕐",
    "double_vertical_bar": "⏸️",
    "eyes": "👀",
    "exclamation": "❗",
    "fast_forward": "⏩",
    "fire": "🔥",
    "gear": "⚙️",
    "hand": "✋",
    "heart": "❤️",
    "heavy_check_mark": "✔️",
    "heavy_minus_sign": "➖",
    "heavy_plus_sign": "➕",
    "hourglass": "⌛",
    "hourglass_flowing_sand": "⏳",
    "inbox_tray": "📥",
    "information_source": "ℹ️",
    "leftwards_arrow_with_hook": "↩️",
    "large_blue_circle": "🔵",
    "large_green_circle": "🟢",
    "large_red_square": "🟥",
    "large_yellow_circle": "🟡",
    "link": "🔗",
    "lock": "🔒",
    "mag": "🔍",
    "memo": "📝",
    "no_entry": "⛔",
    "ok_hand": "👌",
    "outbox_tray": "📤",
    "page_facing_up": "📄",
    "pencil": "📝",
    "pencil2": "✏️",
    "point_right": "👉",
    "pushpin": "📌",
    "question": "❓",
    "raised_hand": "✋",
    "raising_hand": "🙋",
    "red_circle": "🔴",
    "repeat": "🔁",
    "robot_face": "🤖",
    "rocket": "🚀",
    "rotating_light": "🚨",
    "sparkles": "✨",
    "speech_balloon": "💬",
    "star": "⭐",
    "stopwatch": "⏱️",
    "tada": "🎉",
    "thinking_face": "🤔",
    "thumbsup": "👍",
    "timer_clock": "⏲️",
    "wave": "👋",
    "warning": "⚠️",
    "white_check_mark": "✅",
    "white_circle": "⚪",
    "x": "❌",
    "zzz": "💤",
}

_EMOJI_NAME = re.compile(r":([a-z0-9_+-]+):")


def character(name: str) -> str:
    """The emoji of this name, or the name as people type it."""
    return CHARACTERS.get(name, f":{name}:")


def with_emoji(text: str) -> str:
    """The text with every known `:name:` as its emoji."""
    return _EMOJI_NAME.sub(lambda match: character(match[1]), text)
