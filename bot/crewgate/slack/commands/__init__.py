"""`/crew`: help, status, pending, rules."""
