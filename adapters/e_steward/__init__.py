"""The city e-steward app: citizens' own reports, maybe anonymous, with the position of the phone."""
