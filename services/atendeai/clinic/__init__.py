"""The clinic service: the clinic as its custom resource declares it, for staff and for the attendant's context.

It reads configuration through the kit and writes nothing: the Clinic resource owns what is here.
"""
