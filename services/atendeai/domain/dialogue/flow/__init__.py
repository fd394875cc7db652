"""Messages inside a flow: answers to what was asked, changes of mind, and what is about something else.

Every handler returns whether it took the message; what it leaves is handled as a message of its own, and the open
question is put again afterwards. ``taking`` hands the message to the room that fits: ``choosing`` (what for, with whom,
which day, which of several slots), ``confirming`` (the last word on one) and ``naming`` (whom it is for).
"""
