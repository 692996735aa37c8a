"""Sentences about people's notes."""


def offer(opens: str, receiver: str) -> str:
    """Tell the author of a note that it is kept; `opens` is the button with it."""
    return (
        f"Noted. The {receiver} gets nothing of it until somebody sends it: *{opens}* opens with "
        "your notes."
    )
