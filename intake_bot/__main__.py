"""`python -m intake_bot`: the same as `intake-bot`."""

from intake_bot.cli import main

main()
