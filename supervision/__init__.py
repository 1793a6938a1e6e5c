"""Supervision: the timers' jobs, lights, gaps, escalation and the metrics. Not: wire formats, SQL or HTTP."""
