"""What a server here owes the network: limits for callers, and checked addresses for calls."""
