"""The app's Home: a reviewer's queue."""
