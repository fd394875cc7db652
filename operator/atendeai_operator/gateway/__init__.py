"""The edge: one model of what it must do, and two renderings of it.

``model`` says it, ``kong`` and ``envoy`` render it, ``agent`` carries a changed rendering into a running proxy. All
but the agent is pure.
"""
