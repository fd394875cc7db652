"""Asks the gateway and a clinic's services, over HTTP, whether what was applied is also what happens. Reads only.

The one room that speaks HTTP to what the operator runs; `pipeline.ports.Probing` is what it is to the others.
"""
