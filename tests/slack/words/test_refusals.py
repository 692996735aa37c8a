"""The words to one person when their act has no effect."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from crewgate.domain.errors import (
    AlreadyDecided,
    AlreadyVoted,
    ApprovedBefore,
    ChangedMeanwhile,
    CrewgateError,
    GroupsUnresolved,
    InvalidTransition,
    LessonNotFound,
    LessonProblem,
    LessonRefused,
    NoCrewUrl,
    NoPublicUrl,
    NotAReader,
    NotAReviewer,
    NotAStarter,
    NotVoted,
    NotWaiting,
    OwnLesson,
    PerhapsSelfApproval,
    PressRepeated,
    RoundClosed,
    RoundNotFound,
    RoundSuperseded,
    SelfApproval,
    StarterUnresolved,
    StoreUnavailable,
    TooManyKickoffs,
    UnknownCrew,
    UnknownStarter,
    VotedOtherwise,
)
from crewgate.domain.lessons import LessonEnded, LessonState
from crewgate.domain.people import Email, ReviewerRef, User, UserGroup
from crewgate.domain.reason import ExecutionEnded
from crewgate.domain.verdict import Person, Revise
from crewgate.slack.words.names import PLAIN
from crewgate.slack.words.refusals import explain
from tests.builders import LATER, a_decision, a_vote
from tests.slack.lessons.test_messages import a_lesson

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
REVIEWERS = (User("U1"), Email("a@example.com"), UserGroup("S1"))


def in_slack(named: Sequence[ReviewerRef]) -> tuple[ReviewerRef, ...]:
    """Slack knows the address."""
    return tuple(User("U2") if isinstance(one, Email) else one for one in named)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotAReviewer("research", REVIEWERS), "These may: <@U1>, <@U2> and <!subteam^S1>."),
        (NotAReviewer("research", uncertain=True), "try again in a minute"),
        (NotAReviewer("research", rule="big"), "a reviewer of research under the rule “big”, so"),
        (
            NotAStarter("research", REVIEWERS),
            "These may: <@U1>, <@U2> and <!subteam^S1>.",
        ),
        (NotAStarter("research", uncertain=True), "Try again in a minute"),
        (NotAStarter("research"), "Nobody may start research from Slack"),
        (NotAReader("research"), "You may not read what research does"),
        (NotAReader("research", uncertain=True), "could not find out from Slack"),
        (NoCrewUrl(), "no address of this crew"),
        (NoPublicUrl(), "`PUBLIC_URL`"),
        (TooManyKickoffs(), "several starts of this crew"),
        (UnknownCrew("research"), "There is no crew called research"),
        (RoundSuperseded(), "newer output"),
        (RoundClosed(ExecutionEnded()), "the execution has ended"),
        (RoundNotFound("x"), "do not know this review"),
        (InvalidTransition("RESUMED", "be retried"), "nothing left to do here"),
        (AlreadyVoted(a_vote()), "approved this already"),
        (ApprovedBefore(), "press Take back my approval"),
        (VotedOtherwise(a_vote()), "Ana approved this. Choose the same"),
        (VotedOtherwise(a_vote(answer="publish")), "Ana chose “publish”."),
        (GroupsUnresolved(), "Slack does not say who is in the groups"),
        (NotVoted(), "nothing to take back"),
        (
            SelfApproval([UserGroup("S0LEGAL"), Email("eve@example.com")]),
            "may approve it. <!subteam^S0LEGAL> and <@U2> may. You may press Revise.",
        ),
        (
            SelfApproval(own=False, is_flow=True),
            "nor you may approve it. Somebody else has to. You may ask for a revision, of a flow",
        ),
        (PressRepeated(), "press the button again"),
        (PerhapsSelfApproval(), "it may be you who started this"),
        (StarterUnresolved(), "Try again in a minute"),
        (UnknownStarter(), "Nobody knows who started this"),
        (LessonNotFound("x"), "do not know this lesson"),
        (LessonRefused(LessonProblem.KNOWN), "The crew has this lesson"),
        (LessonEnded(a_lesson(LessonState.RETIRED)), "was retired by <@U0BEN>"),
        (LessonEnded(a_lesson(LessonState.KEPT, expires_at=NOW)), "time of this lesson is over"),
        (OwnLesson([Email("eve@example.com")]), "nobody approve their own. <@U2> may keep it."),
        (OwnLesson([]), "Nobody else may either, so drop it."),
        (StoreUnavailable("disk full"), "Nothing was recorded"),
        (ChangedMeanwhile("x"), "Nothing was recorded"),
    ],
)
def test_every_refusal_is_a_sentence(error: CrewgateError, said: str) -> None:
    assert said in explain(error, now=NOW, in_slack=in_slack)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotAReviewer("research"), "not a reviewer"),
        (NotAReviewer("research", uncertain=True), "Try again"),
        (NotAReviewer("research", rule="big"), "under the rule “big”, so your text was not sent"),
        (UnknownCrew("research"), "not sent"),
        (RoundSuperseded(), "newer output"),
        (RoundNotFound("x"), "not sent"),
        (ApprovedBefore(), "Take back my approval. Your text was not sent."),
        (LessonEnded(a_lesson(LessonState.RETIRED)), "was retired by Ben"),
        (StoreUnavailable("disk full"), "not recorded"),
        (ChangedMeanwhile("x"), "went wrong"),
    ],
)
def test_inside_a_form_it_is_plain_and_says_that_the_text_was_not_sent(
    error: CrewgateError, said: str
) -> None:
    plain = explain(error, PLAIN, now=NOW, in_slack=in_slack)

    assert said in plain
    assert "<@" not in plain


@pytest.mark.parametrize(
    ("error", "said", "plainly"),
    [
        (AlreadyDecided(a_decision()), "<@U0ANA> approved this 1 min ago.", "Ana approved this"),
        (
            AlreadyDecided(a_decision(Revise("x"))),
            "<@U0ANA> asked for a revision 1 min ago.",
            "Ana asked for a revision 1 min ago.",
        ),
        (RoundSuperseded(), "A newer output came in the meantime.", "A newer output came"),
        (
            RoundClosed(ExecutionEnded()),
            "This is closed: the execution has ended.",
            "This is closed: the execution has ended.",
        ),
        (NotWaiting(), "This does not wait for a decision.", "This does not wait for a decision."),
    ],
)
def test_the_slower_person_is_told_why(error: NotWaiting, said: str, plainly: str) -> None:
    assert explain(error, now=LATER, in_slack=in_slack).startswith(said)
    in_modal = explain(error, PLAIN, now=LATER, in_slack=in_slack)
    assert in_modal.startswith(plainly)
    assert in_modal.endswith("Your text was not sent.")


def test_a_person_without_a_user_id_is_named() -> None:
    error = AlreadyDecided(a_decision(by=Person("<!here>", "Ana <b>")))
    assert explain(error, now=LATER, in_slack=in_slack).startswith("Ana &lt;b&gt; approved")


def test_many_people_are_named_in_part_and_foreign_text_is_escaped() -> None:
    many = NotAReviewer("research", (Email("<lead>@x.example"), *[User("U0ANA")] * 24))
    says = explain(many, now=NOW, in_slack=lambda named: named)
    assert says.startswith(
        "You are not a reviewer of research, so nothing was recorded. "
        "These may: &lt;lead&gt;@x.example, <@U0ANA>, "
    )
    assert "5 more" in says
    says = explain(UnknownCrew("<!here>"), now=NOW, in_slack=in_slack)
    assert says.startswith("There is no crew called &lt;!here&gt;")
