"""What all tables have in common: their metadata, and how ids and partial indexes are spelled for both databases."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, MetaData, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer(), "sqlite")


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows that a condition names. Queries spell the condition as it stands here, without parameters, or the
    index would not serve."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))
