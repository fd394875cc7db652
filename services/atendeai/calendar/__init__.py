"""The calendar service (port 3008): what Google Calendar says is busy, and the events of the clinic's appointments.

It alone talks to Google and alone writes `calendar_event`. What is booked is the appointment service's business: this
one only keeps the professionals' calendars in step with it.
"""
