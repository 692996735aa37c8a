"""The network around a server: limits for callers, and checked addresses for calls."""
