"""One function for each thing that can happen; the outside is seen through `ports`."""
