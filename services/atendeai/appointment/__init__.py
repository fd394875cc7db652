"""The appointment service (port 3006): slots, holds, bookings and their history, reminders and the waiting list.

It alone writes `patient`, `appointment`, `appointment_event`, `appointment_reminder`, `waitlist_entry` and
`calendar_feed`. Whether a time is free is decided by the exclusion constraint on the clinic's partition; everything
before it only makes the answer kinder.
"""
