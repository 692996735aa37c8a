"""Reading: the queue, status, crews."""
