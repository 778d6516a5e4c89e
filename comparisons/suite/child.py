"""The process that runs cells of a suite, one after another, until its parent closes."""

from __future__ import annotations

import gc
import os
import queue
import signal
import threading
from multiprocessing.connection import Connection

# It exits after this idle time, which a cluster's workers would not do by themselves.
_IDLE_SECONDS = 60.0


def main(descriptor: int) -> None:
    """Answer cells that come over a socket with their outcomes.

    Parameters
    ----------
    descriptor : int
        Of this end of the socket. When the other end closes, or its process dies, this one exits at
        once, even during a cell: nobody would receive the outcome.
    """
    # The parent process handles Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = Connection(descriptor)
    wanted: queue.Queue = queue.Queue()
    threading.Thread(target=_listen, args=(line, wanted), daemon=True).start()
    # Seconds of importing, before any time limit runs.
    from .work import outcome_of, warm_up

    warm_up()
    # The libraries' own objects stay: to look through them for garbage takes a third of a second.
    gc.freeze()
    line.send("ready")
    while True:
        try:
            cell = wanted.get(timeout=_IDLE_SECONDS)
        except queue.Empty:
            return
        gc.collect()  # of the cell before, whose memory this one shall not answer for
        line.send("begun")
        line.send(outcome_of(cell))


def _listen(line: Connection, wanted: queue.Queue) -> None:
    try:
        while True:
            wanted.put(line.recv())
    except (EOFError, OSError):
        os._exit(1)
