"""One progress bar for long work: shown on a terminal, silent in a pipe or a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress(description: str, total: int, *, show: bool) -> Iterator[Callable[..., None]]:
    """Give a function to be called with the number of further units done.

    It takes another description, too, from then on: ``advance(1, "second half")``.

    Parameters
    ----------
    description : str
    total : int
    show : bool
        If True, shown only when standard error is a terminal.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not (show and is_terminal())) as bar:
        task = bar.add_task(description, total=total)

        def advance(done: int, description: str | None = None) -> None:
            bar.update(task, advance=done, description=description)

        yield advance


def is_terminal() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr.isatty()
