"""Run as a program of its own: open a workbook and load its sheets, within bounds of memory, and say by the exit status whether
that killed it. A damaged file can make the library ask for all the memory there is, which ends the process that reads it.

Not imported: it is started with the file's path before the same is done in the service (`workbooks`).
"""

from __future__ import annotations

import resource
import sys

from python_calamine import CalamineWorkbook

MEMORY = 1_610_612_736
"""Bytes of address space; the largest .xls, 65,536 rows of 256 columns, takes half of it."""
TOO_MUCH = 3


def main(path: str) -> int:
    """0 where it can be read or the library itself says why not."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (nothing of ours is imported here)
            workbook = CalamineWorkbook.from_object(file)
        for index in range(len(workbook.sheet_names)):
            workbook.get_sheet_by_index(index)
    except MemoryError:
        return TOO_MUCH
    except BaseException:  # a panic of the library among them; the service meets it again and has words for it
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
