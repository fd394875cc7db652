"""What several services must know alike: slots, appointment states, understanding, dialogue.

This room is pure. It knows neither the kit nor a service, reads no clock, draws no random number and opens no
connection: the time and everything that was looked up arrive as arguments.
"""
