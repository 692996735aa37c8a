"""A module that cannot be imported."""

raise LookupError("no key for the model")
