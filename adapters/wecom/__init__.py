"""企业微信: task cards as its interfaces want them, and what it tells us when somebody presses a button."""
