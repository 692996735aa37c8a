"""Markdown as people see it: parts with runs of text, the same on every surface.

markdown-it takes a text apart, and drops some of it: surplus cells, deep nesting, what it does not
expect. So nothing of its tokens is drawn unless it stands next in the source, and nothing of the
source is passed over but white space and the marks of the syntax that the token names. A block
that ends otherwise is drawn as written.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, TypeAlias

from markdown_it.token import Token

from crewgate.slack.blockkit.markdown import CELLS, blocks_of, few_cells, inlines_of, may_format

_FORMATTED: Final = 6_000
_ALL_FORMATTED: Final = 60_000
"""The most characters of one paragraph, and of all paragraphs with marks, whose marks are read."""
_STYLES: Final = {"strong": "bold", "em": "italic", "s": "strike"}
_PLAIN_LEVELS: Final = 10
"""Lists count two, quotations one; renderers leave out what stands deeper than 20 levels or so."""
_QUOTES: Final = {'"': '"', "'": "'", "(": ")"}
"""The marks around the title of a link."""


class PartKind(Enum):
    """The role of a part in its text."""

    HEADING = auto()
    PARAGRAPH = auto()
    ITEM = auto()
    """The first text of an item in a list."""
    HEADER = auto()
    ROW = auto()
    CODE = auto()
    RULE = auto()
    WRITTEN = auto()
    """A block as it is written, because a part of it would not be drawn."""


@dataclass(frozen=True, slots=True)
class Run:
    """Some text in one style: any of bold, italic, strike and code."""

    text: str
    styles: tuple[str, ...] = ()
    is_added: bool = False
    """True for a mark that the source does not have, as a bracket around an address."""


Runs: TypeAlias = tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A paragraph, an item, a row, some code, …, in the order of the source."""

    kind: PartKind
    runs: Runs = ()
    cells: tuple[Runs, ...] = ()
    info: str = ""
    """The words behind the mark that opens the code."""
    number: str = ""
    """The number of an item, with its mark, as written."""
    lists: int = 0
    """The number of lists around it."""
    is_quoted: bool = False

    @property
    def text(self) -> str:
        return text_of(self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBlock:
    """One block of a text, from line `start` to line `end`, and what is drawn of it."""

    start: int
    end: int
    parts: tuple[Part, ...]
    is_plain: bool
    """True if every Markdown renderer draws the same words: Slack's `markdown` block, too."""


def text_of(runs: Sequence[Run]) -> str:
    """Return the drawn text; strikethrough keeps its marks, for they change the sense."""
    return "".join(map(marked, runs))


def marked(run: Run) -> str:
    return f"~~{run.text}~~" if "strike" in run.styles else run.text


def parts_of(markdown: str) -> list[Part]:
    return [part for block in drawn_blocks(markdown) for part in block.parts]


def drawn_blocks(
    markdown: str, *, most_cells: int = CELLS, lines: Collection[int] | None = None
) -> Iterator[DrawnBlock]:
    """Yield the blocks of a cleaned text; beyond `most_cells` its tables are paragraphs.

    With `lines`, the marks of other lines are drawn as written, but for headings and headers.
    """
    few = few_cells(markdown, most=most_cells)
    source = _Source(markdown.split("\n"))
    left = [_ALL_FORMATTED]
    end = 0
    for tokens in _top_level(blocks_of(markdown, tables=few)):
        assert tokens[0].map is not None, "markdown-it knows the lines of every block"
        start, after = tokens[0].map
        yield from source.written(end, start)
        drawing = _Drawing(source=source, left=left, lines=lines)
        if drawing.draws(tokens, source.starts[max(start, end)], source.starts[after]):
            yield DrawnBlock(
                start=start, end=after, parts=tuple(drawing.parts), is_plain=drawing.is_plain
            )
        else:
            yield from source.written(start, after)
        end = after
    yield from source.written(end, len(source.lines))


def _top_level(tokens: list[Token]) -> Iterator[list[Token]]:
    begins = 0
    for at, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            yield tokens[begins : at + 1]
            begins = at + 1


class _Source:
    """The characters of a text that are no white space, and where its lines begin among them."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        bare = ["".join(line.split()) for line in lines]
        self.text = "".join(bare)
        self.starts = [0]
        for line in bare:
            self.starts.append(self.starts[-1] + len(line))

    def written(self, start: int, end: int) -> Iterator[DrawnBlock]:
        """Yield these lines as they are written, if they have any words."""
        if start < end and self.starts[start] < self.starts[end]:
            text = "\n".join(self.lines[start:end]).rstrip()
            part = Part(kind=PartKind.WRITTEN, runs=(Run(text),))
            yield DrawnBlock(start=start, end=end, parts=(part,), is_plain=False)

    def line_at(self, at: int) -> int:
        return bisect_right(self.starts, at) - 1


class _UnexplainedError(Exception):
    """The source goes on otherwise than the tokens say."""


@dataclass(kw_only=True)
class _Drawing:
    """Walks over a block's tokens and over its source at once."""

    source: _Source
    left: list[int]
    """The characters whose marks are still read, of the whole text."""
    lines: Collection[int] | None
    parts: list[Part] = field(default_factory=list)
    is_plain: bool = True
    at: int = 0
    end: int = 0
    lists: list[int | None] = field(default_factory=list)
    """The open lists: the number that Markdown gives the next item; None for bullets."""
    number: str | None = None
    """The number of an item before its first text; None behind it."""
    head: int | None = None
    """The end of the line of dashes below a table's header; None behind it."""
    quotes: int = 0
    line: int = -1
    line_quotes: int = 0
    bare: int = 0
    """The last line of which marks of containers were read: how many quote, where they end."""

    def draws(self, tokens: list[Token], start: int, end: int) -> bool:
        """Draw a block; return False if its source has something that would not be drawn."""
        self.at, self.end = start, end
        try:
            self._walk(tokens)
        except _UnexplainedError:
            return False
        return self.at == end

    def _walk(self, tokens: list[Token]) -> None:  # noqa: C901, PLR0912, PLR0915  # one row a case
        kind, until = PartKind.PARAGRAPH, self.end
        cells: list[Runs] | None = None
        for token in tokens:
            self.is_plain = self.is_plain and token.level <= _PLAIN_LEVELS
            if token.map is not None and token.type != "inline":
                until = self.source.starts[token.map[1]]
            match token.type:
                case "heading_open":
                    kind = PartKind.HEADING
                    self._mark(token.markup if token.markup.startswith("#") else "")
                case "heading_close":
                    self._marks(token.markup[0], until)
                    kind = PartKind.PARAGRAPH
                case "bullet_list_open":
                    self._end_item()
                    self.lists.append(None)
                case "ordered_list_open":
                    self._end_item()
                    self.lists.append(int(token.attrs.get("start", 1)))
                case "bullet_list_close" | "ordered_list_close":
                    self.lists.pop()
                case "list_item_open":
                    self._begin_item(token)
                case "list_item_close":
                    self._end_item()
                case "blockquote_open":
                    self.quotes += 1
                case "blockquote_close":
                    self._pass_quotes()
                    self.quotes -= 1
                case "table_open" if token.map is not None:
                    self.head = self.source.starts[token.map[0] + 2]
                case "tr_open":
                    cells = []
                case "th_open" | "td_open":
                    self._mark_if_there("|")
                case "tr_close":
                    self._marks("|", until)
                    row = PartKind.ROW if self.head is None else PartKind.HEADER
                    self._add(row, cells=tuple(cells or ()))
                    cells = None
                case "thead_close" if self.head is not None:
                    self._marks("|:-", self.head)
                    self.head = None
                case "inline":
                    names = kind is PartKind.HEADING or self.head is not None
                    is_read = names or self._is_read(token)
                    runs = (self._inline if is_read else self._runs)(token.content)
                    cells.append(runs) if cells is not None else self._add(kind, runs)
                case "fence" | "code_block":
                    self._code(token, until)
                case "hr":
                    self._marks(token.markup[0], until)
                    self._add(PartKind.RULE)
                case _:
                    pass

    def _add(
        self, kind: PartKind, runs: Runs = (), *, cells: tuple[Runs, ...] = (), info: str = ""
    ) -> None:
        if self.number is not None and kind not in {PartKind.PARAGRAPH, PartKind.HEADING}:
            self._end_item()
        part = Part(
            kind=kind if self.number is None else PartKind.ITEM,
            runs=runs,
            cells=cells,
            info=info,
            number=self.number or "",
            lists=len(self.lists),
            is_quoted=self.quotes > 0,
        )
        self.number = None
        self.parts.append(part)

    def _begin_item(self, token: Token) -> None:
        self._pass_quotes()
        begins = self.at == self._end_of_marks()
        self.number = ""
        number = self.lists[-1]
        if number is not None:
            self.number = token.info + token.markup
            self.is_plain = self.is_plain and token.info == str(number)
            self.lists[-1] = number + 1
        self._mark(token.info + token.markup)
        if begins:
            self.bare = self.at

    def _end_item(self) -> None:
        """Draw the mark of an item that has no text, or something else before its text."""
        if self.number is not None:
            self._add(PartKind.PARAGRAPH)

    def _code(self, token: Token, until: int) -> None:
        self._mark(token.markup)
        info = token.info.strip()
        self.is_plain = self.is_plain and not info
        self._take(info)
        self._take(token.content)
        self._marks(token.markup[:1], until)
        self._add(PartKind.CODE, (Run(token.content.rstrip("\n")),), info=info)

    def _is_read(self, token: Token) -> bool:
        return self.lines is None or any(one in self.lines for one in range(*token.map or ()))

    def _inline(self, content: str) -> Runs:  # noqa: C901, PLR0912  # one row a case
        if not may_format(content):
            return self._runs(content)
        self.left[0] -= len(content)
        if len(content) > _FORMATTED or self.left[0] < 0:
            self.is_plain = False
            return self._runs(content)
        made: list[Run] = []
        styles: list[str] = []
        label = 0
        target: Token | None = None
        children = inlines_of(content)
        in_words = _inside_words(children)
        for at, token in enumerate(children):
            kind = token.type.removesuffix("_open").removesuffix("_close")
            match kind:
                case "em" | "strong" | "s" if at in in_words:
                    self.is_plain = False
                    made += self._runs(token.markup, *styles)
                case "em" | "strong" | "s":
                    self._mark(token.markup)
                    style = _STYLES[kind]
                    styles.append(style) if token.nesting > 0 else styles.remove(style)
                case "text" | "text_special":
                    self._mark(token.markup.removesuffix(token.content))
                    made += self._runs(token.content, *styles)
                case "code_inline":
                    self._mark(token.markup)
                    made += self._runs(token.content, *styles, "code")
                    self._mark(token.markup)
                case "softbreak" | "hardbreak":
                    self._mark_if_there("\\" if kind == "hardbreak" else "")
                    made.append(Run("\n", is_added=True))
                case "link" if token.markup == "autolink":
                    self._mark("<" if token.nesting > 0 else ">")
                case "link" if token.nesting > 0:
                    self._mark("[")
                    label, target = len(made), token
                case "link" if target is not None:
                    made += self._target(target, is_labelled=len(made) > label)
                case "image":
                    self._mark("![")
                    runs = self._runs(token.content, *styles)
                    made += (*runs, *self._target(token, is_labelled=bool(runs)))
                case _:
                    raise _UnexplainedError
        return tuple(made)

    def _target(self, token: Token, *, is_labelled: bool) -> Iterator[Run]:
        """Yield the address of a link or image, and its title."""
        self.is_plain = False
        title = str(token.attrs.get("title", ""))
        self._mark("](")
        self._mark_if_there("<")
        yield Run(" (" if is_labelled else "(", is_added=True)
        yield from self._runs(str(token.attrs.get("href", token.attrs.get("src", ""))))
        self._mark_if_there(">")
        if title:
            opening = self.source.text[self.at : self.at + 1]
            self._mark(opening if opening in _QUOTES else title)
            yield Run(" “", is_added=True)
            yield from self._runs(title)
            yield Run("”", is_added=True)
            self._mark(_QUOTES.get(opening, ""))
        yield Run(")", is_added=True)
        self._mark(")")

    def _runs(self, text: str, *styles: str) -> Runs:
        """Return a text that stands next in the source, as a run."""
        self._take(text)
        return (Run(text, tuple(sorted(set(styles)))),) if text else ()

    def _take(self, text: str) -> None:
        # In a quotation a text may go on behind the mark of the next line.
        for word in text.split() if self.quotes else ("".join(text.split()),):
            self._mark(word)

    def _mark(self, mark: str) -> None:
        """Pass over a mark, or raise if something else stands next in the source."""
        if mark:
            self._pass_quotes()
            after = self.at + len(mark)
            if after > self.end or not self.source.text.startswith(mark, self.at):
                raise _UnexplainedError
            self.at = after

    def _mark_if_there(self, mark: str) -> None:
        self._pass_quotes()
        if self.source.text.startswith(mark, self.at, self.end):
            self.at += len(mark)

    def _marks(self, marks: str, until: int) -> None:
        """Pass over any number of these marks, up to the end of a line."""
        self._pass_quotes()
        until = min(until, self.end)
        while self.at < until and self.source.text[self.at] in marks:
            self.at += 1

    def _pass_quotes(self) -> None:
        """Pass over the marks of the open quotations at the beginning of a line."""
        text = self.source.text
        while self.quotes and self.at < self.end and text[self.at] == ">":
            if self.at != self._end_of_marks() or self.line_quotes == self.quotes:
                break
            self.at += 1
            self.line_quotes += 1
            self.bare = self.at

    def _end_of_marks(self) -> int:
        """Return the place after the marks of containers that this line begins with."""
        line = self.source.line_at(self.at)
        if line != self.line:
            self.line, self.line_quotes, self.bare = line, 0, self.source.starts[line]
        return self.bare


def _inside_words(children: Sequence[Token]) -> set[int]:
    """Return the places of marks of emphasis with a letter or digit on both outer sides.

    `2*3*4` is no `234`. A sign of a script without upper case is a word by itself, and no letter.
    """
    found: set[int] = set()
    following = [""] * len(children)
    for at in range(len(children) - 1, 0, -1):
        own = children[at]
        following[at - 1] = following[at] if _is_passed(own) else own.content[:1]
    opened: list[tuple[int, str]] = []
    before = ""
    for at, token in enumerate(children):
        if not _is_emphasis(token):
            before = before if _is_passed(token) else token.content[-1:]
        elif token.nesting > 0:
            opened.append((at, before))
        else:
            start, outside = opened.pop()
            if _is_in_word(outside) and _is_in_word(following[at]):
                found |= {start, at}
    return found


def _is_emphasis(token: Token) -> bool:
    return token.type.partition("_")[0] in _STYLES


def _is_passed(token: Token) -> bool:
    return _is_emphasis(token) or (token.type == "text" and not token.content)


def _is_in_word(char: str) -> bool:
    return char.isnumeric() or char.lower() != char.upper()
