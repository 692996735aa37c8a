"""Cards, forms and the reader: a review as people see and decide it."""
