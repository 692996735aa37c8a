"""`/crew`: help, status, pending."""
