"""The steps of a reconcile, their errors, the queue that wakes them, and the ports they work through."""
