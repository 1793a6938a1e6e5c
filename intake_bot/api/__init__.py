"""HTTP: channels, the JSON API and what describes it."""
