"""The city hotline 12345: one ticket a member, with a re-handling suffix on its number."""
