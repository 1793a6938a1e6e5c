"""The keys of what the benchmarks write, made for one run."""

from __future__ import annotations

from storage.keyring import new_keyring

KEYRING = new_keyring()
