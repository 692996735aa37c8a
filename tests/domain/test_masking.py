"""Personal data is found in whatever agents write, and masked whole."""

import json
import re
from dataclasses import dataclass
from itertools import product
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crewgate.domain.errors import MaskUnknown
from crewgate.domain.masking import (
    FINDERS,
    NOTHING,
    Finder,
    Kind,
    Masking,
    find_cards,
    find_emails,
    find_ibans,
    unmasked,
)
from crewgate.domain.notification import TEXT_LIMIT, WORDS_LIMIT
from tests.builders import ANA, a_decision, a_review, a_round
from tests.worst_cases import SECONDS, seconds, untraced

ALL = Masking(("email", "iban", "card"), tuple(FINDERS.values()))
FILES = Masking(
    ("/AC-[0-9]+/",),
    ((Kind.OTHER, lambda text: (one.span() for one in re.finditer("AC-[0-9]+", text))),),
)
IBAN = "DE89 3704 0044 0532 0130 00"
CARD = "4111 1111 1111 1111"
MAIL = "[e-mail address]"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to alice@example.com.", "Write to [e-mail address]."),
        (
            "[alice@example.com](mailto:alice@example.com?subject=x)",
            "[[e-mail address]](mailto:[e-mail address]?subject=x)",
        ),
        ("| bob.b+x@mail.example.co.uk | 3 |", "| [e-mail address] | 3 |"),
        (
            r'{"a": "\nalice@example.com\tbob@x.de"}',
            r'{"a": "\n[e-mail address]\t[e-mail address]"}',
        ),
        (r'{"a": "\u00e9tienne@x.fr"}', r'{"a": "[e-mail address]"}'),
        (r"**john\_doe@example\.com**", "**[e-mail address]**"),
        (r"john\@my\-mail.example.com and a\_b\@c\_d\.ie", "[e-mail address] and [e-mail address]"),
        (r'{"a": "ann\u0040x.ie"}', r'{"a": "[e-mail address]"}'),
        ("o'brien@x.ie and 'ann@x.ie'", "[e-mail address] and '[e-mail address]'"),
        (r"C:\users\alice@example.com", r"C:\users\[e-mail address]"),
        ("https://x.example/?to=ann%40x.ie", "https://x.example/?to=[e-mail address]"),
        ("j\u00adohn@exam\u00adple.com \ufeffann@x.ie", f"{MAIL} \ufeff{MAIL}"),
        (
            "4111\u200b1111\u200b1111\u200b1111 DE89\u20603704\u00ad00440532013000",
            "[card number] [IBAN]",
        ),
        ("josé@exämple.com, ann＠x.ie", "[e-mail address], [e-mail address]"),
        ("@ana, me@localhost, a@b, 3 @ 4.50", "@ana, me@localhost, a@b, 3 @ 4.50"),
        ("**ann**@x.ie, _ann_@x.ie and *ann*.`b`@x.ie", f"{MAIL}, {MAIL} and {MAIL}"),
        ("a**n**n@x.ie **a@x**.ie a@**x.ie** a**@**x.ie", f"{MAIL} {MAIL} {MAIL} {MAIL}"),
        ("**ann@x.ie** *or* **bob@x.ie**.", f"**{MAIL}** *or* **{MAIL}**."),
        ("ann@x.ie.**bob@y.ie** or ann@x.ie.bob@y.ie", f"{MAIL}.**{MAIL}** or {MAIL}.{MAIL}"),
        ("a*n@x.ie, 2 * 3 @ 4.50, **me**@localhost", f"{MAIL}, 2 * 3 @ 4.50, **me**@localhost"),
        (f"Pay {IBAN} and go", "Pay [IBAN] and go"),
        ("Pay DE89.3704.0044.0532.0130.00.", "Pay [IBAN]."),
        ("Pay DE89 3704 0044\n> 0532 0130 00\n", "Pay [IBAN]\n"),
        ("de89370400440532013000", "[IBAN]"),
        (r'"\nDE89370400440532013000\n"', r'"\n[IBAN]\n"'),
        ("GB82 WEST 1234 5698 7654 32", "[IBAN]"),
        ("GB82-WEST-1234-5698-7654-32", "[IBAN]"),
        (f"IE12 is no start of {IBAN}", "IE12 is no start of [IBAN]"),
        ("DE88 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"),
        ("DE89 3704 0044 0532", "DE89 3704 0044 0532"),
        ("ZZ89 3704 0044 0532 0130 00", "ZZ89 3704 0044 0532 0130 00"),
        (f"Card {CARD}.", "Card [card number]."),
        ("12 4111-1111-1111-1111 99", "12 [card number] 99"),
        ("3782 822463 10005", "[card number]"),
        ("1,4111111111111111,ann", "1,[card number],ann"),
        ("> 4111 1111\n> 1111 1111", "> [card number]"),
        ('{"card": 4111111111111111}', '{"card": [card number]}'),
        ("12 4111.1111.1111.1111. 3782·822463·10005", "12 [card number]. [card number]"),
        (r'"\n4111.1111.1111.1111"', r'"\n[card number]"'),
        ("Card:4111.1111.1111.1111", "Card:[card number]"),
        ("·4111.1111.1111.1111", "·[card number]"),
        ("1.4111.1111.1111.1111", "1.4111.1111.1111.1111"),
        ("4.111.111.111.111.111", "4.111.111.111.111.111"),
        ("4111.1111.1111.1111.0.1", "4111.1111.1111.1111.0.1"),
        ("v4111.1111.1111.1111", "v4111.1111.1111.1111"),
        ("4111.1111.1111.1112", "4111.1111.1111.1112"),
        ("4111.111111111111, 192.168.100.100", "4111.111111111111, 192.168.100.100"),
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("0.4111111111111111", "0.4111111111111111"),
        ("id-a4111111111111111", "id-a4111111111111111"),
        ("4111\n1111\n1111\n1111", "4111\n1111\n1111\n1111"),
        ("2021 2022 2023 2024 2025", "2021 2022 2023 2024 2025"),
        ("1" * 40, "1" * 40),
        ("\ud800ann@x.ie", "\ud800[e-mail address]"),
        (f"a@x.ie{CARD}DE89370400440532013000", "[e-mail address][card number][IBAN]"),
    ],
)
def test_data_is_masked_wherever_it_stands(text: str, masked: str) -> None:
    assert ALL.text(text) == masked


#: The signs that may take the place of each space in a number.
BETWEEN = (
    *(" ", "  ", "-", "/", "|", " | ", "_", ",", ", ", "+", ":", "·", "\n> "),
    *("‐", "‑", "‒", "–", "—", "−", "⁄", "\u2028", "\u3000", "\u00a0"),
    *("\u00ad", "\u200b", "\u200e", "\u2062", "\u2066", "\ufe0f", "\u0332", "\u115f", "\x01"),
    *("\u2065", "\ufff0", "\U000e0080"),
    *("**", "`", "~~", "<wbr>", "</b>", "&nbsp;", "&shy;", "&#8203;", "&#x2d;", "&amp;nbsp;"),
    *("%20", "%2520", "%E2%80%8B", "\\-", "\\.", "\\ ", "\\\n", "\\n", "\\\\n", "\\u002d", "\\x2d"),
)


@pytest.mark.parametrize("between", BETWEEN)
def test_a_number_is_masked_whatever_is_between_its_groups(between: str) -> None:
    assert ALL.text(f"Pay {IBAN} now".replace(" ", between)).count("[IBAN]") == 1
    assert ALL.text(f"({IBAN.lower().replace(' ', between)})") == "([IBAN])"
    # More line ends are a column of numbers.
    between, one = (" ", between) if "n" in between[-1:] or "\n" in between else (between, between)
    first, *others = CARD.split()
    assert ALL.text(f"({first}{one}{between.join(others)})") == "([card number])"


#: The signs that may stand for an address's @, for its full stop, and inside of it.
SIGNS = ("@", "＠", "﹫", "&#64;", "&#x40;", "&commat;", "%40", "%2540", "\\@", "\\u0040", "\\x40")
AROUND_SIGNS = ("{}", "\u200e{}", "{}<wbr>", "<wbr>{}", "**{}**", "{}\n", "{}\n> ", "\ufeff{}")
STOPS = (".", "。", "．", "\\.", "%2E", "&period;", "&#46;", ".\u00ad", "*.*")


@pytest.mark.parametrize("sign", SIGNS)
def test_an_address_is_masked_however_it_is_written(sign: str) -> None:
    for around, stop in product(AROUND_SIGNS, STOPS):
        assert ALL.text(f"(ann{around.format(sign)}x{stop}example)") == f"({MAIL})"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        *(
            (number, "[card number]")
            for number in (
                "４１１１ １１１１ １１１１ １１１１",
                "𝟒111 1111 1111 1111",
                "٤١١١١١١١١١١١١١١١",
            )
        ),
        ("4111 **1111** 1111 1111", "[card number]"),
        ("**4111** 1111 1111 __1111__", "[card number]__"),
        ("4̲1̲1̲1̲ 1111 1111 1111", "[card number]"),
        ("2*4111111111111111", "2*[card number]"),
        ("5%4111 1111 1111 1111", "5%[card number]"),
        ("100%DE89370400440532013000", "100%[IBAN]"),
        ("IBANDE89370400440532013000", "IBAN[IBAN]"),
        ("**DE89** 3704 0044 0532 0130 00", "[IBAN]"),
        ("be71 and the way of an end", "be71 and the way of an end"),
        ('"ann smith"@x.ie and "a\nb"@x.ie', f'{MAIL} and "a\nb"@x.ie'),
        ("ann@[192.0.2.1], ann@example.xn--p1ai.", f"{MAIL}, {MAIL}."),
        ("ann@x.ie@y.ie", f"{MAIL}{MAIL}"),
        (f"{'a' * 100}@x.ie", f"{'a' * 36}{MAIL}"),
        (f"a@{'b.' * 150}ie", f"{MAIL}{('b.' * 150 + 'ie')[255:]}"),
        ("100 %, 5%, &c; &nosuch; R&D; \\d \\ufg", "100 %, 5%, &c; &nosuch; R&D; \\d \\ufg"),
    ],
)
def test_more_notations_are_read(text: str, masked: str) -> None:
    assert ALL.text(text) == masked


def test_passages_of_earlier_texts_stay_masked_whatever_is_put_before_them() -> None:
    after = ALL.also_those_in([f"Pay {IBAN} or {CARD}.", "Tea."])
    assert after.text(f"X{IBAN}, 9{CARD} and DE00") == "X[IBAN], 9[card number] and DE00"
    assert after.numbered(f"X{IBAN}")[0] == "X[IBAN 1]"
    assert ALL.text(f"9{CARD}") == f"9{CARD}"
    assert ALL.also_those_in(["Tea."]) is ALL
    short = Masking(("/a/",), ((Kind.OTHER, lambda text: iter([(0, min(len(text), 3))])),))
    assert short.also_those_in(["Ann"]).text("By Ann") == "[masked]Ann"


def test_json_stays_json() -> None:
    came = {"to": ["alice@example.com"], "pay": f"{IBAN}\n{CARD}", "alice@example.com": 1}
    for ensure_ascii in (True, False):
        masked = json.loads(ALL.text(json.dumps(came, ensure_ascii=ensure_ascii, indent=1)))
        assert masked == {
            "to": ["[e-mail address]"],
            "pay": "[IBAN]\n[card number]",
            "[e-mail address]": 1,
        }


def test_masks_are_counted_by_kind() -> None:
    text = f"a@x.ie, {IBAN}, b@x.ie"
    masked = "[e-mail address], [IBAN], [e-mail address]"
    assert ALL.counted(text) == (masked, ((Kind.EMAIL, 2), (Kind.IBAN, 1)))
    assert ALL.counted("Tea.") == ("Tea.", ())


def test_what_overlaps_is_masked_as_one_and_what_is_empty_not_at_all() -> None:
    def find(text: str) -> Finder:
        return lambda _: iter([(0, 0), (text.index("@"), len(text))])

    both = Masking(("x",), (*ALL.finders, (Kind.OTHER, find("ann@x.ie!"))))
    assert both.text("ann@x.ie!") == "[e-mail address]"


def test_a_beginning_ends_before_or_with_a_mask() -> None:
    assert ALL.text("To ann@x.ie now", upto=5) == "To [e-mail address]"
    assert ALL.text("To ann@x.ie now", upto=3) == "To "
    assert ALL.text("To ann@x.ie now", upto=13) == "To [e-mail address] n"


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("Offer · ann@exam…", "Offer · …"),
        ("Offer · DE89 3704 00…", "Offer · …"),
        ("Offer for ann@x.ie · Acme Inc…", "Offer for [e-mail address] · Acme Inc…"),
        ("Offer 12", "Offer 12"),
    ],
)
def test_a_line_that_was_cut_ends_before_what_the_cut_may_have_gone_through(
    line: str, masked: str
) -> None:
    assert ALL.cut(line) == masked
    assert NOTHING.cut(line) == line


def test_what_the_cut_of_a_line_went_through_is_not_shown() -> None:
    cut = f"{'No such customer: ':.<280} ann@example.co…"
    assert len(cut) < WORDS_LIMIT
    names = f"{'A list for: ':.<{TEXT_LIMIT - 15}}"
    said = ALL.shown(Words(("." * 20 + cut, f"{names} ann@example.c…"))).texts
    assert said == ("." * 20 + cut.replace("ann@example.co…", "…"), f"{names} …")
    output = ("x" * 1_000 + " 12…", "Call 12…")
    assert ALL.shown(Words(output)).texts == output


MASKED = ("alice@example.com", "bob@x.de", IBAN, CARD, "3782 822463 10005")
OTHERS = (
    "[IBAN 1]",
    "[e-mail address]",
    "\n",
    "\ud800",
    *["*", "**", "4111.1111.1111.1111"],
    *[r"AC-12", r"Tea", r"12", r"a@", r"\n", r"\_", r"'", r".", r"@", r"|", r"é"],
)
WORDS = st.sampled_from((*MASKED, *OTHERS))
TEXTS = st.lists(st.one_of(WORDS, st.text(max_size=5)), max_size=12).map("".join) | st.lists(
    WORDS, max_size=12
).map(" ".join)


@given(TEXTS)
@example("·4111.1111.1111.1111")
def test_a_masked_text_holds_nothing_to_mask_and_loses_nothing_else(text: str) -> None:
    masked, found = ALL.counted(text)
    for find in (find_emails, find_ibans, find_cards):
        assert not list(find(masked))
    assert ALL.text(masked) == masked
    assert bool(found) == (masked != text)


@given(TEXTS)
def test_a_text_comes_back_from_its_numbered_masks(text: str) -> None:
    both = Masking(("x",), (*ALL.finders, *FILES.finders))
    masked, masks = both.numbered(text)
    assert unmasked(masked, masks) == text


def test_one_number_stands_for_one_passage_wherever_it_goes() -> None:
    masked, masks = ALL.numbered("a@x.ie, b@x.ie, a@x.ie. [e-mail address 1] is a mask.")
    assert masked == (
        "[e-mail address 2], [e-mail address 3], [e-mail address 2]. [e-mail address 1] is a mask."
    )
    moved = "To [e-mail address 3] and [e-mail address 3]. [e-mail address 1]"
    assert ALL.numbered("a@x.ie 4111111111111111")[0] == "[e-mail address 1] [card number 2]"
    assert unmasked(moved, masks) == "To b@x.ie and b@x.ie. [e-mail address 1]"


@pytest.mark.parametrize(
    "mask",
    [
        *("[e-mail address]", "[e-mail address 7]", "[e-mail address 1234]", "[IBAN 1]"),
        *("[masked]", "[e-mial address 1]", "[email 7]", "[Iban 1]"),
    ],
)
def test_a_mask_that_stands_for_nothing_is_refused(mask: str) -> None:
    _, masks = ALL.numbered("a@x.ie")
    with pytest.raises(MaskUnknown) as refused:
        unmasked(f"To {mask}.", masks)
    assert refused.value.mask == mask
    assert unmasked(f"To {mask}.", {}) == f"To {mask}."


@pytest.mark.parametrize(
    "text",
    [
        "[Table 2](#two) and [Smith 2020]",
        "[1]",
        "[x] 1",
        "[ref. 1]",
        "[e-mial]",
        "e-mial 1",
        "[a\n1]",
    ],
)
def test_what_has_another_form_is_no_mask(text: str) -> None:
    _, masks = ALL.numbered("a@x.ie")
    assert unmasked(text, masks) == text


def test_what_looks_like_a_mask_in_the_text_itself_stays() -> None:
    masked, masks = ALL.numbered("a@x.ie, see [Figure 1].")
    assert unmasked(f"{masked} [Figure 1]", masks) == "a@x.ie, see [Figure 1]. [Figure 1]"
    assert ALL.numbered("See [Figure 1].") == ("See [Figure 1].", {})


def test_the_label_of_a_link_whose_target_is_masked_stays() -> None:
    targets = (Kind.OTHER, lambda text: (one.span() for one in re.finditer(r"\(.*\)", text)))
    masked, masks = Masking(("/…/",), (targets,)).numbered("See [Figure 1](https://wiki/1).")
    assert masked == "See [Figure 1][masked 1]."
    assert unmasked(masked, masks) == "See [Figure 1](https://wiki/1)."


@dataclass(frozen=True)
class Words:
    texts: tuple[str, ...]


SIZE = 100_000


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "a'",
            r"a\_",
            r"\a",
            r"\n",
            r"a\@",
            r"a\@b\-",
            r"@a\-",
            "a\u200b",
            "\u00ad",
            "4\u200b",
            r"a\u0040",
            "a@",
            "a1.",
            "@a.1.",
            ".",
            r"\u0041",
            "%40a",
            "_@_.aa",
            "a*",
            "*",
            "a@*a*.",
            "*a*@a*.aa",
            *(
                "%2540",
                "&amp;",
                "&",
                "\\\\",
                "<b>",
                "</",
                '"',
                '"@',
                "@[",
                "ann@\n",
                "\ufdfa",
                "𝟒",
                "漢",
            ),
        ),
        *("1 ", "4", "4 ", "44 ", "4111 ", "4111.", " "),
        *("DE89", "DE89 ", "DE89.", "DE89    ", "GB82 WEST "),
        "alice@example.com ",
    ],
)
def test_time_grows_with_the_text_alone(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        began = process_time()
        with untraced():
            ALL.text(text)
        return process_time() - began

    seconds(SIZE // 20)
    long = seconds(SIZE)
    assert long < 0.2 or long < 40 * min(seconds(SIZE // 10) for _ in range(3))


@pytest.mark.parametrize("word", ["1", "111 ", "a1 ", "1…", "1" * 20 + " "])
def test_a_line_is_cut_in_no_time(word: str) -> None:
    line = word * (WORDS_LIMIT // len(word)) + "x…"
    began = process_time()
    ALL.cut(line)
    assert process_time() - began < 0.2


def test_a_value_is_masked_except_ids_people_and_rules() -> None:
    @dataclass(frozen=True)
    class Lines:
        crew: str
        text: str
        pairs: tuple[tuple[str, str], ...]
        by: object
        many: int = 4111111111111111

    mail = "ann@x.ie"
    masks = ALL.shown(Lines(mail, mail, ((mail, "b"),), ANA))
    assert masks == Lines(mail, "[e-mail address]", (("[e-mail address]", "b"),), ANA)
    assert ALL.shown(masks) is masks
    assert NOTHING.shown(Lines(mail, mail, (), ANA)).text == mail
    review = a_review(id=mail, execution_id=mail, task_name=f"Ask {mail}")
    shown = ALL.shown(a_round(id=mail, review=review, decision=a_decision()))
    assert (shown.id, shown.review.execution_id) == (mail, mail)
    assert shown.review.task_name == "Ask [e-mail address]"
    assert ALL.shown(Lines("", mail, (), ANA), keep={"text"}).text == mail


def test_a_text_is_masked_from_its_first_passage_to_its_last() -> None:
    masking = Masking(("email",), (FINDERS["email"],))
    text = "To bob@x.de, cc eve@x.de."
    assert masking.extent(text) == (3, len(text) - 1)
    assert masking.extent("Tea.") == (4, 0)


CALL_TEXT = json.dumps(
    {
        "to": "bob",
        "token": 'Dear "Bob": pay',
        "auth": {"a": 1, "token": ["x"]},
        "pin": 1234,
        "card": 4111111111111111,
        "text": 'he said "token": "x"',
        "rest": [{"api_key": "k", "secret": "", "max_token": 7}],
        "otp": None,
    },
    indent=2,
)


def test_values_of_a_call_are_masked_by_their_names_and_stay_json() -> None:
    card = Masking(("card",), (FINDERS["card"],)).for_call()
    masked, many = card.counted(CALL_TEXT)
    assert json.loads(masked) == {
        "to": "bob",
        "token": "[secret]",
        "auth": "[secret]",
        "pin": "[secret]",
        "card": "[card number]",
        "text": 'he said "token": "x"',
        "rest": [{"api_key": "[secret]", "secret": "", "max_token": 7}],
        "otp": "[secret]",
    }
    assert many == ((Kind.CARD, 1), (Kind.SECRET, 5))
    assert NOTHING.text(CALL_TEXT) == CALL_TEXT


@pytest.mark.parametrize("text", ['{"pin": }', '{"pin": ', '{"token": 5}', '{"secret": ""}'])
def test_of_a_call_nothing_is_masked_where_no_value_is(text: str) -> None:
    assert NOTHING.for_call().counted(text) == (text, ())


@pytest.mark.parametrize("length", range(len(CALL_TEXT)))
def test_a_beginning_of_a_call_shows_no_value_that_is_masked(length: int) -> None:
    shown = NOTHING.for_call().text(CALL_TEXT[:length])
    assert not any(secret in shown for secret in ("Dear", "1234", '"a"', 'k"'))


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 2**19, '{"token": ' * 2**16, '"token": "x", ' * 2**16, '"' * 2**20]
)
def test_no_call_makes_masking_by_names_slow(text: str) -> None:
    assert seconds(lambda: NOTHING.for_call().counted(text)) < SECONDS / 4
