"""`crewgate check`: checks Slack, each crew, the database and PUBLIC_URL, with advice."""
