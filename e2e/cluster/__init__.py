"""The local kind cluster of AtendeAI: from a bare Debian machine to two ready nodes.

Standard library only: it runs before any virtualenv exists. Start it as ``python3 e2e/cluster <command>``.
"""
