"""Errors as sentences for the person who pressed, typed or sent a form.

A sentence in the voice PLAIN stands in a form, and says that the person's text was not sent.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from crewgate.domain import errors, lessons
from crewgate.domain.edits import REVISION_LIMIT
from crewgate.domain.errors import LessonProblem, ReferralProblem
from crewgate.domain.people import ReviewerRef
from crewgate.domain.referrals import REFERRAL_LIMIT, REFERRALS
from crewgate.domain.verdict import choice_of
from crewgate.slack.ids import COMMAND
from crewgate.slack.words import decisions, names
from crewgate.slack.words.names import MRKDWN, PLAIN, Voice

InSlack: TypeAlias = Callable[[Sequence[ReviewerRef]], Sequence[ReviewerRef]]
"""Replaces known e-mail addresses by their accounts."""


def explain(  # noqa: PLR0911  # one row a case
    error: errors.CrewgateError, voice: Voice = MRKDWN, *, now: datetime, in_slack: InSlack
) -> str:
    match error:
        case errors.NotPermitted():
            return _not_permitted(error, in_slack(error.permitted), voice)
        case errors.UnknownCrew(crew=crew):
            lost = "Your text was not sent" if voice is PLAIN else "Nothing was done"
            return f"There is no crew called {names.crew(crew, voice)}. {lost}."
        case errors.NotWaiting():
            return _too_late(error, now, voice)
        case errors.TooManyEdits(characters=characters):
            return (
                f"These edits take {characters:,} characters to ask for, and {REVISION_LIMIT:,} can"
                " be sent. Make fewer, or say in your own words what should change, with Revise."
            )
        case errors.LessonRefused(why=why):
            return _LESSON_REFUSED[why]
        case errors.ReferralRefused(why=why):
            return _REFERRAL_REFUSED[why]
        case lessons.LessonEnded(lesson=lesson):
            return _lesson_ended(lesson, now, voice)
        case errors.VoteRefused(others=others):
            refused = _vote_refused(error, in_slack(others) if voice.mentions else ())
            # A rule's refusal stands below the argument that was typed, and ends with its reason.
            is_text = voice is PLAIN and not isinstance(error, errors.RefusedByRule)
            return f"{refused} Your text was not sent." if is_text else refused
        case _:
            in_form = _IN_FORMS.get(type(error)) if voice is PLAIN else None
            return in_form or _SENTENCES.get(type(error), _SOMETHING_FAILED)


_UNKNOWN_ROUND: Final = (
    "I do not know this review. It is older than my records, or another bot's: each needs a Slack"
    " app of its own. Tell whoever runs this."
)
_NOTHING_TO_DO: Final = "There is nothing left to do here: the card shows where this is now."
_SOMETHING_FAILED: Final = "Something went wrong on my side. Nothing was recorded; try again."
_SENTENCES: Final[Mapping[type[errors.CrewgateError], str]] = {
    errors.RoundNotFound: _UNKNOWN_ROUND,
    errors.LessonNotFound: "I do not know this lesson. It may be another bot's: each needs a "
    "Slack app of its own.",
    errors.StoreUnavailable: "I cannot reach my records at the moment. Nothing was recorded; try "
    "again in a minute.",
    errors.InvalidTransition: _NOTHING_TO_DO,
    errors.VerdictMisplaced: _NOTHING_TO_DO,
    errors.NothingEdited: "You have changed nothing yet, so nothing was sent.",
    errors.NoCrewUrl: "Nothing was started: the bot's settings have no address of this crew, which "
    "asks by itself.",
    errors.NoPublicUrl: "Nothing was started: this bot does not know its own address, so the crew "
    "could not tell when it pauses. Ask whoever runs the bot to set `PUBLIC_URL`.",
    errors.TooManyKickoffs: "Nothing was started: several starts of this crew are under way. Try "
    "again in a minute.",
}
_IN_FORMS: Final[Mapping[type[errors.CrewgateError], str]] = {
    errors.RoundNotFound: f"{_UNKNOWN_ROUND} Your text was not sent.",
    errors.StoreUnavailable: "I cannot reach my records at the moment. Your text was not recorded; "
    "try again in a minute.",
}
_LESSON_REFUSED: Final[Mapping[LessonProblem, str]] = {
    LessonProblem.EMPTY: "Write the lesson: one sentence that the crew is told at each start.",
    LessonProblem.TOO_LONG: f"A lesson has at most {lessons.LESSON_CHARACTERS} characters. Shorten "
    "it.",
    LessonProblem.PERSONAL: "This names somebody or holds a secret, such as an address or a key: "
    "every later execution would be told. Write it without.",
    LessonProblem.KNOWN: f"The crew has this lesson, or it is proposed: see {COMMAND} lessons.",
    LessonProblem.NOT_TAUGHT: "A lesson comes from a text that somebody asked for with Revise, and "
    "that a person then approved. This is none.",
}
_REFERRAL_REFUSED: Final[Mapping[ReferralProblem, str]] = {
    ReferralProblem.THEMSELVES: "That is you. Choose somebody else.",
    ReferralProblem.NO_REVIEWER: "They may not decide on this, so nobody was asked. The line above "
    "says who may.",
    ReferralProblem.HAS_APPROVED: "They have approved this already. Choose somebody else.",
    ReferralProblem.IN_VAIN: "Their approval would not count here: they started this, or their "
    "group has approved. Choose somebody else.",
    ReferralProblem.NOT_TOLD: "Slack does not say whether they may decide. Try again in a minute.",
    ReferralProblem.TOO_LONG: f"Write {REFERRAL_LIMIT} characters at most; the thread takes more.",
    ReferralProblem.TOO_MANY: f"{REFERRALS} were asked here already. Write in the thread.",
}
"""The sentences are plain, since most of them stand below a form's box."""
_UNSURE: Final = "I could not find out from Slack whether you may"


def _not_permitted(  # noqa: PLR0911  # one row a case
    error: errors.NotPermitted, permitted: Sequence[ReviewerRef], voice: Voice
) -> str:
    crew = names.crew(error.crew, voice)
    of_rule = f" under {decisions.rule_name(error.rule, voice)}" if error.rule else ""
    who = f" These may: {names.named(permitted)}." if permitted else ""
    match error:
        case errors.NotAReviewer(uncertain=True) if voice is PLAIN:
            may = f"you may decide for {crew}{of_rule}"
            return f"Slack did not say whether {may}. Try again in a minute."
        case errors.NotAReviewer(uncertain=True):
            return f"{_UNSURE} decide for {crew}. Nothing was recorded; try again in a minute.{who}"
        case errors.NotAReviewer():
            lost = "your text was not sent." if voice is PLAIN else f"nothing was recorded.{who}"
            return f"You are not a reviewer of {crew}{of_rule}, so {lost}"
        case errors.NotAnOperator(uncertain=True):
            return "Slack did not say whether you may see this. Try again in a minute."
        case errors.NotAnOperator():
            return f"This is for operators of {crew}: you are not one of them."
        case errors.NotAStarter(uncertain=True):
            return f"{_UNSURE} start {crew}. Try again in a minute."
        case errors.NotAStarter():
            may_not = f"You may not start {crew}.{who}"
            return may_not if permitted else f"Nobody may start {crew} from Slack."
        case _ if error.uncertain:
            return f"{_UNSURE} read what {crew} does. Try again in a minute."
        case _:
            return (
                f"You may not read what {crew} does: that is for the members of its channel, its "
                "reviewers, starters and operators."
            )


def _too_late(error: errors.NotWaiting, now: datetime, voice: Voice) -> str:
    in_form = voice is PLAIN
    match error:
        case errors.AlreadyDecided(decision=decision):
            why = f"{decisions.did_this(decision, voice)} {names.ago(decision.at, now)}."
        case errors.RoundSuperseded(edited_by=by):
            why = "A newer output came in the meantime."
            why = why if by is None else f"{voice.person(by)} edited this in the meantime."
            why += "" if in_form else " Decide on the latest round instead."
        case errors.RoundClosed(reason=reason):
            why = f"This is closed: {decisions.because(reason, voice)}."
        case _:
            why = "This does not wait for a decision."
    return f"{why} Your text was not sent." if in_form else why


def _lesson_ended(lesson: lessons.Lesson, now: datetime, voice: Voice) -> str:
    if lesson.state is lessons.LessonState.KEPT and not lesson.is_in_force(now):
        return "The time of this lesson is over."
    by = "" if lesson.ended_by is None else f" by {voice.person(lesson.ended_by)}"
    when = "" if lesson.ended_at is None else f" {names.ago(lesson.ended_at, now)}"
    return f"This lesson {decisions.lesson_is(lesson)}{by}{when}."


def _vote_refused(error: errors.VoteRefused, others: Sequence[ReviewerRef]) -> str:
    """Tell in plain text why an approval does not count; `others` may approve."""
    match error:
        case errors.AlreadyVoted(vote=vote):
            who = decisions.voter(vote, PLAIN)
            return f"{who} approved this already, and that counts for you."
        case errors.VotedOtherwise(vote=vote):
            chosen = choice_of(vote)
            what = f"chose {decisions.label(chosen)}" if chosen is not None else "approved this"
            who = decisions.voter(vote, PLAIN)
            return f"{who} {what}. Choose the same, or have it taken back first."
        case errors.SelfApproval():
            who = "You started this, so neither you nor your stand-in"
            if not error.own:
                who = "Who you stand in for started this, so neither they nor you"
            may = f"{names.named(others)} may" if others else "Somebody else has to"
            revise = _MAY_REVISE if error.is_flow else "You may press Revise."
            return f"{who} may approve it. {may}. {revise}"
        case errors.OwnLesson():
            who = f"{names.named(others)} may keep it"
            who = who if others else "Nobody else may either, so drop it"
            own = "This is drawn from your words" if error.is_drawn else "You proposed this"
            return f"{own}, and its rule lets nobody approve their own. {who}."
        case errors.RefusedByRule():
            rule = decisions.rule_quoted(error.rule, PLAIN)
            why = PLAIN.text(error.reason, decisions.ANSWER_LIMIT)
            return f"The rule {rule} refuses these arguments{f': {why}' if why else '.'}"
        case _:
            return _VOTE_REFUSED[type(error)]


_MAY_REVISE: Final = "You may ask for a revision, of a flow by one of its outcomes."
_VOTE_REFUSED: Final[Mapping[type[errors.VoteRefused], str]] = {
    errors.ApprovedBefore: "You have approved this; it waits for others. To undo that, press Take "
    "back my approval.",
    errors.GroupsComplete: "The groups that you are in have approved; others have not yet. If you "
    "joined one of them just now, try again in a minute. You may ask for a revision.",
    errors.GroupsUnresolved: "Slack does not say who is in the groups that must approve. Try again "
    "in a minute. You may ask for a revision.",
    errors.NotVoted: "You have not approved this, so there is nothing to take back.",
    errors.PerhapsSelfApproval: "You had this crew started and it did not answer, so it may be you "
    f"who started this: somebody else has to approve it. {_MAY_REVISE}",
    errors.PressRepeated: "You did something newer here, or this press came twice, so nothing was "
    "changed. If you still want this, press the button again; a form has to be opened again.",
    errors.StarterUnresolved: "Slack did not say who started this, and they may not approve it. "
    f"Try again in a minute. {_MAY_REVISE}",
    errors.UnknownStarter: "Nobody knows who started this, so nobody may approve it. "
    f"{_MAY_REVISE}",
}
