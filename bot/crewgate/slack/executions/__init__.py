"""Messages about executions: progress, finished tasks, the end."""
