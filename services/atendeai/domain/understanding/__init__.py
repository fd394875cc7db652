"""From one message in Brazilian Portuguese to an intent, the entities named and the time meant.

Everything here is deterministic: the same text and the same ``now`` always give the same answer. A trained classifier
may be plugged in through ``intents.Classifier``; the rules hold the floor under it.
"""
