"""Exact look-up of many character sequences at once: a two-choice (cuckoo) hash table in flat arrays.

A gram of up to four folded characters fits a 64-bit key whole, so a hit is a hit: nothing collides.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Ids = npt.NDArray[np.int32]

_FIRST = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xC2B2AE3D27D4EB4F)
_SLOTS_PER_KEY = 3
_MOST_ROUNDS = 500


class GramTable:
    """Keys → ids 0…n-1. Key 0 is never contained. About 12 bytes × slots of memory; the arrays are what is saved."""

    def __init__(self, slots: Keys, ids: Ids) -> None:
        """`slots` and `ids`: as `build` made them; their length is a power of two. Raises ValueError otherwise."""
        if slots.shape != ids.shape or slots.size < 2 or slots.size & (slots.size - 1):
            raise ValueError("gram table: slots and ids must have the same length, a power of two")
        self.slots = slots
        self.ids = ids
        self._shift = np.uint64(64 - (slots.size.bit_length() - 1))

    @classmethod
    def build(cls, keys: Keys) -> GramTable:
        """From distinct, non-zero keys; key i gets id i. Raises ValueError when keys repeat."""
        if np.unique(keys).size != keys.size or not keys.all():
            raise ValueError("gram table: keys must be distinct and not zero")
        size = 1 << max(4, int(keys.size * _SLOTS_PER_KEY).bit_length())
        while True:
            placed = _place(keys, size)
            if placed is not None:
                return cls(*placed)
            size *= 2

    def keys(self) -> Keys:
        """All keys, in order of their ids."""
        used = np.flatnonzero(self.slots)
        found = np.empty(used.size, dtype=np.uint64)
        found[self.ids[used]] = self.slots[used]
        return found

    def find(self, keys: Keys) -> Ids:
        """The id of each key, -1 for one that is not contained."""
        slot = (keys * _FIRST) >> self._shift
        other = (keys * _SECOND) >> self._shift
        slot = np.where(self.slots.take(slot) == keys, slot, other)
        found = self.ids.take(slot)
        found[self.slots.take(slot) != keys] = -1
        return found


def _place(keys: Keys, size: int) -> tuple[Keys, Ids] | None:
    """Cuckoo placing, many keys at once: a newcomer takes the slot and who sat there moves on to their other slot."""
    shift = np.uint64(64 - (size.bit_length() - 1))
    choices = np.stack([(keys * _FIRST) >> shift, (keys * _SECOND) >> shift]).astype(np.int64)
    seated = np.full(size, -1, dtype=np.int32)
    chosen = np.zeros(keys.size, dtype=np.int8)
    moving = np.arange(keys.size, dtype=np.int32)
    for _ in range(_MOST_ROUNDS):
        slot = choices[chosen[moving], moving]
        ousted = seated[slot]
        seated[slot] = moving  # of several newcomers to one slot the last one sits
        lost = moving[seated[slot] != moving]
        ousted = np.unique(ousted[ousted >= 0])
        moving = np.concatenate([lost, ousted])
        if not moving.size:
            slots = np.where(seated >= 0, keys[np.maximum(seated, 0)], np.uint64(0))
            return slots, seated
        chosen[moving] ^= 1
    return None
