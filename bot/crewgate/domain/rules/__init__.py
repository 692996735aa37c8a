"""Rules for matching reviews: reviewers, numbers of approvals, channels and times."""
