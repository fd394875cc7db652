"""The conversation itself: what the attendant asks, offers and does, message by message.

``manager.turn`` is a generator: it yields what it needs to know or wants done (``ports``) and receives the answers, so
that the same dialogue runs over the appointment service and over a clinic in memory. Nothing here waits, reads a
clock or draws a random number.
"""
