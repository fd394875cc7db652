"""The calendar service (port 3008): what Google Calendar says is busy, and the events of the clinic's appointments.

It alone talks to Google, keeps the professionals' calendars in step with what is booked, and reads along what people
change there: that it hands on to the appointment service, whose business it is. It owns `calendar_event`,
`calendar_sync`, `calendar_channel`, `calendar_consent` and `calendar_consent_request`.
"""
