"""The stand-in crew: a deployed CrewAI crew as a real HTTP server on 127.0.0.1.

The crew follows CrewAI's schema, pauses for reviews, answers feedback with a changed output,
drops webhook URLs at every pause, and fails on demand. It does not depend on the bot.

    async with Crew(now=time.time) as crew:
        crew.human_input = Address.bearer("http://127.0.0.1:3000/crews/research/human-input", s)
        execution = crew.start_execution({"topic": "tea"})
        await crew.until(lambda: crew.webhooks_sent)
        crew.faults.fail("/resume", DROP_AFTER)
"""
