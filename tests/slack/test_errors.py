"""What one person is told when nothing comes of what they did."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from crewgate.domain.errors import (
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
    OwnLesson,
    PerhapsSelfApproval,
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
from crewgate.slack.errors import explain
from crewgate.slack.words.names import PLAIN
from tests.builders import a_vote
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
        (NotAReviewer("research", rule="big"), "under the rule “big”, so your text was not sent"),
        (UnknownCrew("research"), "not sent"),
        (RoundSuperseded(), "newer output"),
        (RoundNotFound("x"), "not sent"),
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
