"""`/crew`: help, status, pending, stats, rules."""
