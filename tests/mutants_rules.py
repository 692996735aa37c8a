"""Mutants of how rules compare words, and of letters that look like others."""

from typing import Final

from tests.mutating import mutant

RULES: Final = (
    mutant(
        "a rule that allows folds letters",
        "holds = rule.when.hold(facts, exactly=rule.allows)",
        "holds = rule.when.hold(facts)",
        "domain/rules/test_calls.py",
    ),
    mutant(
        "a star of an exact pattern passes a comma",
        '_OF_ONE_VALUE: Final = r"[^\\s,;',
        '_OF_ONE_VALUE: Final = r"[^\\s;',
        "domain/rules/test_globs.py",
    ),
    mutant(
        "a question mark of an exact pattern passes a comma",
        'segments[-1] += f"(?={_OF_ONE_VALUE}){_class(atom)}"',
        "segments[-1] += _class(atom)",
        "domain/rules/test_globs.py",
    ),
    mutant(
        "a rule that allows takes a text for a number",
        "number = None if is_text and exactly else read_number(text)",
        "number = read_number(text)",
        "domain/rules/test_calls.py",
    ),
    mutant(
        "signs in a word dodge a rule that makes stricter",
        "spellings = (fold, unspaced) if _ONE.search(pattern) else (fold,)",
        "spellings = (str.casefold,)",
        "domain/rules/test_globs.py",
    ),
    mutant(
        "a character that folds to several is no question mark",
        "spellings = (fold, unspaced) if _ONE.search(pattern) else (fold,)",
        "spellings = (fold,)",
        "domain/rules/test_globs.py",
    ),
    mutant(
        "a number is folded to its digits",
        "written = Reading.AS_WRITTEN if reading is Reading.LETTERS else reading",
        "written = reading",
        "domain/rules/test_calls.py",
    ),
    mutant(
        "any mark counts as a letter",
        'script not in {"", "LATIN", "GREEK", "CYRILLIC"} and script in name(mark, "")',
        'script not in {"", "LATIN", "GREEK", "CYRILLIC"}',
        "domain/test_letters.py",
    ),
    mutant(
        "a blank letter counts",
        'case "L" if not name(one, "").endswith("FILLER"):',
        'case "L":',
        "domain/test_letters.py",
    ),
    mutant(
        "letters that look like others are sure",
        "return None if found is (reading is Reading.EXACTLY) and is_mixed(text) else found",
        "return found",
        "domain/rules/test_calls.py",
    ),
    mutant(
        "one letter of another script is its word's own",
        "own=_most_frequent(word[0])",
        "own=word[0][0]",
        "domain/test_letters.py",
    ),
    mutant(
        "a letter of Japanese joins two words",
        "else _BETWEEN)",
        "else _INSIDE)",
        "domain/test_letters.py",
    ),
    mutant(
        "a recipient of another script reads as any",
        "if len(codes) == 1 and not codes & {own, _LATIN}:",
        "if len(codes) > 1:",
        "domain/test_letters.py",
    ),
    mutant(
        "a rule without reviewers is stricter than one of anyone's crew",
        "who = usual if rule.reviewers is None else rule.reviewers",
        "who = rule.reviewers",
        "domain/rules/test_conditions.py",
    ),
    mutant(
        "the letters of a sign count",
        'is_sign = category(chr(code))[0] not in "LMN"',
        "is_sign = False",
        "domain/test_letters.py",
    ),
    # --- referrals
    mutant(
        "somebody is asked to look whose approval would not count",
        "approve(current, votes, starter, verdict)\n    except",
        "pass\n    except",
        "usecases/test_referrals.py",
    ),
    mutant(
        "somebody is mentioned who may not decide any more",
        "await context.ensure(referral.to.id, Role.REVIEWER, round_, recheck=False)",
        "pass",
        "usecases/test_referrals.py",
    ),
    mutant(
        "a wish that comes during a walk starts it again",
        "any(since is None or one.at <= since for one in wishes)",
        "any(True for one in wishes)",
        "usecases/test_referrals.py",
    ),
    mutant(
        "a form for a referral that comes twice asks twice",
        "round_ = round_.press(by.id, press_ts())\n            except errors.PressRepeated:\n"
        "                known = [(one.by.id",
        "pass\n            except errors.PressRepeated:\n                known = [(one.by.id",
        "usecases/test_referrals.py",
    ),
    mutant(
        "the words of a wish break out of its quotation",
        "*quotation(referral.text)",
        "section(referral.text)",
        "slack/test_referrals.py",
    ),
    mutant(
        "a message about a referral mentions whoever asks",
        "names.CALLS_NOBODY.person(by)} asks you",
        "names.person(by)} asks you",
        "slack/test_referrals.py",
    ),
)
