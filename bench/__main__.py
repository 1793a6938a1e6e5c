"""`make bench`, or `python -m bench NAME…` for some of them."""

from __future__ import annotations

import importlib
import sys

NAMES = ("understanding", "intake", "supervision", "search", "sameness")


def main() -> None:
    wanted = sys.argv[1:] or NAMES
    for name in wanted:
        if name not in NAMES:
            sys.exit(f"no benchmark {name!r}; there are: {', '.join(NAMES)}")
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"bench.{name}").run()


if __name__ == "__main__":
    main()
