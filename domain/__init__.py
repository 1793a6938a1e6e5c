"""The words everyone in this house speaks: plain frozen types and pure arithmetic.

Nothing in here does any I/O, and nothing in here imports another package of this project.
"""
