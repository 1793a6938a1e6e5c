"""Complaint + Understanding → unit, grid cell, A/B handlers, deadlines, and the reason why. Pure; no I/O of any kind."""
