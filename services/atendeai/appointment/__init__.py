"""The appointment service (port 3006): slots, holds, bookings and their history.

It alone writes `patient`, `appointment` and `appointment_event`. Whether a time is free is decided by the exclusion
constraint on the clinic's partition; everything before it only makes the answer kinder.
"""
