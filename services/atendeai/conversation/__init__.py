"""The conversation service (3005): understands what patients write, acts for them, and keeps the history."""
