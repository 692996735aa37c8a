"""`crewgate check`: asks Slack, each crew, the database and PUBLIC_URL, and says what to do."""
