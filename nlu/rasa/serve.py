"""Runs `rasa run` in Rasa's own Python 3.10 environment and ends it with the process that started it.

The first line of standard input is the access token (so that it does not stand among the arguments, where every user of
the machine could read it); the end of standard input is the end of the server. It imports nothing of the service.
"""

import os
import signal
import sys
import threading


def end_with_standard_input() -> None:
    """Wait for the end of standard input, then end the whole process group."""
    while os.read(0, 4096):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main() -> None:
    """Arguments: the model file and the port on 127.0.0.1."""
    model, port = sys.argv[1:]
    token = bytearray()
    while not token.endswith(b"\n"):
        token += os.read(0, 1) or sys.exit("no token on standard input")
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    from rasa.__main__ import main as rasa  # type: ignore[import-not-found]  # noqa: PLC0415 (slow; the watch over standard input comes first)

    sys.argv = ["rasa", "run", "--enable-api", "--model", model, "--interface", "127.0.0.1", "--port", port]
    sys.argv.append(f"--auth-token={token.decode().strip()}")  # in one word: a token may begin like an option
    rasa()


if __name__ == "__main__":
    main()
