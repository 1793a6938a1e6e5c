"""The commands of `intake-bot`, one module each."""
