"""The playground: one page with the stand-in workspace and the crew side by side, live."""
