"""The playground: one page that shows the stand-in workspace beside the crew, live."""
