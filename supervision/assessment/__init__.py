"""统一考核: the monthly score of each brigade, cell and handler: curves, rulings, freezing, trial. Not: HTTP or SQL."""
