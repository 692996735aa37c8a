"""The bot's own text in a view: what a form asked about, a reader's position, a walk's place.

Slack keeps it as the view's `private_metadata`, and sends it back with each press.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from crewgate.domain.caveats import NOTHING_SEEN, HastyReading, Seen, Share, Unseen
from crewgate.slack.blockkit.blocks import parse_share, with_share
from crewgate.usecases.log_fields import press_ts


def asked(round_id: str, seen: Seen, *more: str) -> str:
    share = "" if seen.share is None else with_share("", seen.share)
    turned = [] if seen.turned is None else [f"{seen.turned.pages}/{seen.turned.seconds}"]
    # A form acts with the time of the press that opened it: Slack gives a sent form none.
    unseen = " ".join(filter(None, [press_ts(), *sorted(seen.unseen), *turned]))
    return json.dumps([round_id, seen.notes, seen.claimed_by, unseen, *more, share])


def parse_asked(metadata: str) -> tuple[str, Seen]:
    """Parse the metadata that `asked` made; that of a report's form is the report's id."""
    try:
        round_id, notes, claimed_by, asked_about, *_, shown = json.loads(metadata)
    except (TypeError, ValueError):
        return metadata, NOTHING_SEEN
    turned = re.search(r"(\d+)/(\d+)$", str(asked_about))
    return str(round_id), Seen(
        notes=str(notes),
        claimed_by=str(claimed_by),
        unseen=frozenset(one for one in Unseen if one in str(asked_about).split()),
        share=parse_share(str(shown)),
        turned=HastyReading(int(turned[1]), int(turned[2])) if turned else None,
    )


class ReaderTab(StrEnum):
    """The tabs of the reader."""

    WHOLE = "whole"
    UNMASKED = "unmasked"
    CHANGES = "changes"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderPosition:
    """A reader's tab and page, kept in the modal itself."""

    round_id: str
    tab: ReaderTab
    page: int | None = None
    """The page; None for the first unseen page, or in a history for the page with this round."""
    share: Share | None = None
    """The share of the output seen here, or where the reader was opened; None: unknown."""
    first: int | None = None
    """The page that the reader opened with; None while it opens."""
    began: datetime | None = None
    known: int = 0
    """The percentage of the output that was shown where the reader was opened."""
    unmasked: tuple[int, ...] = ()
    """The places in the text where unmasked pages began and ended."""

    def as_metadata(self) -> str:
        share = self.share
        shown = None if share is None else [share.shown, share.of, share.beyond, self.known]
        began = None if self.began is None else self.began.timestamp()
        return json.dumps(
            [self.round_id, self.tab.value, self.page, shown, self.first, began, *self.unmasked]
        )


def opened(
    round_id: str, tab: ReaderTab, share: Share | None, page: int | None = None
) -> ReaderPosition:
    """Return the position of a reader opened from a place that shows this share of the output."""
    known = 0 if share is None else share.percent
    return ReaderPosition(round_id=round_id, tab=tab, page=page, share=share, known=known)


def parse_position(metadata: str) -> ReaderPosition | None:
    """Return the position in a modal's metadata, or None if it is no reader."""
    try:
        round_id, tab, page, share, first, began, *unmasked = json.loads(metadata)
        return ReaderPosition(
            round_id=str(round_id),
            tab=ReaderTab(tab),
            page=max(0, int(page)),
            share=None if share is None else Share(*map(int, share[:3])),
            known=int(share[3]) if share and share[3:] else 0,
            first=None if first is None else int(first),
            began=None if began is None else datetime.fromtimestamp(float(began), UTC),
            unmasked=tuple(map(int, unmasked)),
        )
    except (ValueError, TypeError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Walk:
    """A person's place in their queue; `asked`: the walk asked about haste, which it does once."""

    number: int = 0
    total: int = 0
    asked: bool = False
    began: datetime | None = None
    """The time that settles the order; None in a window of an edition that had no referrals."""

    def behind(self, metadata: str) -> str:
        # The metadata is JSON in one line, so a line end separates the walk from it.
        began = "" if self.began is None else f" {self.began.timestamp()}"
        return f"{metadata}\n{self.number} {self.total} {int(self.asked)}{began}"


def parse_walk(metadata: str) -> tuple[str, Walk | None]:
    """Return the metadata of a page or form alone, and the walk behind it, if there is one."""
    own, _, place = metadata.partition("\n")
    found = re.match(r"([0-9]+) ([0-9]+) ([01])(?: ([0-9]{1,10}\.[0-9]+))?", place)
    if found is None:
        return metadata, None
    began = datetime.fromtimestamp(float(found[4]), UTC) if found[4] else None
    return own, Walk(int(found[1]), int(found[2]), found[3] == "1", began)
