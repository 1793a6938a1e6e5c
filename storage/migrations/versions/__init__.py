"""One module for each released shape of the database."""
