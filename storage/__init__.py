"""The only SQL of the house: tables, migrations, the group-committing writer and the queries. No HTTP, no rules."""
