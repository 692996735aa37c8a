"""Words that people in Slack read: names, decisions, states, cards, mentions, icons; pure."""
