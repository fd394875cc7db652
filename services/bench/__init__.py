"""Benches of the services: against a peer (`services`), of row security (`tenancy`), of starting (`startup`).

And one that must find nothing: `soak`. Everything runs on 127.0.0.1, is bounded in count and time, and ends by itself.
"""
