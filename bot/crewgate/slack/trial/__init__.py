"""The card that `crewgate check --send-test-card` posts: it can be pressed, and decides nothing."""
