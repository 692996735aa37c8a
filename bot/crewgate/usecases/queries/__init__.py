"""Reading: the queue, status, crews, rules."""
