"""The addresses that crews call, and the bot's health."""
