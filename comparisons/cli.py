"""The command line: ``tripos fit``, ``compare``, ``calibrate``, ``models`` and ``suite``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# PyMC takes seconds to import: nothing that needs it is imported before a command runs.

_DESCRIPTION = "One posterior on three legs: an exact grid, a Laplace approximation and NUTS."
_EXAMPLES = """\
examples:
  tripos fit my_file.py:build_model --ask alpha,beta   the cheapest posterior to be trusted
  tripos compare bioassay                 the exercise of Bayesian Data Analysis, chapter 4
  tripos compare my_file.py:build_model   your own: a function that returns a pymc.Model
  tripos compare globe --methods grid,laplace --output /tmp/globe
  tripos compare globe --methods laplace,advi,mine.py:my_method
  tripos models                           the models that come with tripos
  tripos suite suite.toml                 many models by many methods; resumable
  tripos calibrate globe --method laplace  does it find what data were simulated from?
"""

_TOLERANCES = {
    "mean": "largest shift of a mean, in sds (default: 0.1)",
    "sd": "largest relative error of an sd (default: 0.1)",
    "mass": "largest error of an interval's mass (default: 0.03)",
    "monte_carlo": "largest Monte Carlo error of a mean, in sds (default: 0.05)",
}


def parser() -> argparse.ArgumentParser:
    """Build the parser of ``tripos``."""
    top = argparse.ArgumentParser(
        "tripos",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", metavar="command", required=True)
    _add_compare(commands.add_parser("compare", help="approximate a posterior by several methods"))
    _add_fit(commands.add_parser("fit", help="find the cheapest posterior that can be trusted"))
    commands.add_parser("models", help="list the models that come with tripos")
    _add_suite(commands.add_parser("suite", help="run many methods on many models; resumable"))
    _add_calibrate(commands.add_parser("calibrate", help="try a method on simulated data"))
    return top


def _add_compare(compare: argparse.ArgumentParser) -> None:
    compare.description = (
        "Approximate one posterior by several methods; print a table and what it shows; write "
        "table, pictures and trees to a folder."
    )
    add = compare.add_argument
    add("target", help="a name that `tripos models` lists, or file.py:function")
    add(
        "--methods",
        type=_names,
        help="comma-separated names, also of your own functions: package.module:function or "
        "file.py:function (default: grid,laplace,nuts, where they apply)",
    )
    add("--draws", type=int, help="draws of each method (4000 independent ones; 1000 a chain)")
    add("--random-seed", type=int, default=1, help="default: %(default)s")
    samplers = ("nutpie", "pymc", "numpyro", "blackjax")
    add("--nuts-sampler", default="nutpie", choices=samplers, help="default: %(default)s")
    add("--output", default="results", help="folder to write to (default: %(default)s)")
    add("--strict", action="store_true", help="exit 1 unless every quantity of every tree agrees")
    add("--no-pictures", action="store_true", help="write the table and the trees only")
    formats = ("png", "svg", "pdf")
    add("--format", default="png", choices=formats, help="of the pictures (default: %(default)s)")
    add("--report", action="store_true", help="also write report.html, one self-contained file")


def _add_fit(fit: argparse.ArgumentParser) -> None:
    fit.description = (
        "Try methods by rising cost until one gives a posterior that can be trusted for what is "
        "asked; print what was tried, the answer and its errors; write them to a folder."
    )
    add = fit.add_argument
    add("target", help="a name that `tripos models` lists, or file.py:function")
    add("--ask", type=_names, help="comma-separated variables that matter (default: all)")
    add("--methods", type=_names, help="comma-separated rungs to try (default: the whole ladder)")
    add("--draws", type=int, default=4000, help="independent draws (default: %(default)s)")
    add("--random-seed", type=int, default=1, help="default: %(default)s")
    add("--time-limit", type=float, metavar="SECONDS", help="that NUTS may take")
    for name, meaning in _TOLERANCES.items():
        option = f"--tolerance-{name.replace('_', '-')}"
        add(option, type=float, metavar="X", help=meaning)
    add("--output", default="results", help="folder to write to (default: %(default)s)")
    add("--strict", action="store_true", help="exit 1 unless a method was accepted")
    add("--no-pictures", action="store_true", help="write tables, words and the tree only")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _add_suite(suite: argparse.ArgumentParser) -> None:
    suite.description = (
        "Run the suite that a TOML file describes, and store each cell as it ends. Started again, "
        "it goes on from there."
    )
    add = suite.add_argument
    add("file", type=Path, help="models = [...], methods = [...], repeats, options, ...")
    add("--store", help="folder of the cells (default: the file's, or results/ and its name)")
    add("--workers", type=int, help="processes (default: the file's, or one a core)")
    add("--dask", metavar="ADDRESS", help="run on a dask cluster, such as tcp://host:8786")
    add("--only", choices=["failed"], help="run the cells that failed before, and no others")


def _add_calibrate(calibrate: argparse.ArgumentParser) -> None:
    calibrate.description = (
        "Draw parameters from the prior, simulate data, fit them, and see where the true values "
        "lie among the draws, many times; print what is wrong, and write it to a folder."
    )
    add = calibrate.add_argument
    add("target", help="a name that `tripos models` lists, or file.py:function; no flat priors")
    add("--method", default="laplace", help="a name, or file.py:function (default: %(default)s)")
    add("--simulations", type=int, default=1000, help="data sets (default: %(default)s)")
    add("--draws", type=int, help="draws of each fit")
    add("--random-seed", type=int, default=1, help="default: %(default)s")
    add("--output", default="results", help="folder to write to (default: %(default)s)")
    add("--strict", action="store_true", help="exit 1 unless nothing is seen in any quantity")
    add("--no-pictures", action="store_true", help="write words, table and ranks only")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns
    -------
    int
        0 on success, 1 with ``--strict`` unless all verdicts are "agrees" (a calibration passes, a
        fit is accepted), 2 after an expected error (printed to standard error), 130 when
        interrupted; no partial output is left behind.
    """
    arguments = parser().parse_args(argv)
    try:
        if arguments.command == "models":
            return _list_models()
        if arguments.command == "suite":
            return _suite(arguments)
        if arguments.command == "calibrate":
            return _calibrate(arguments)
        if arguments.command == "fit":
            return _fit(arguments)
        return _compare(arguments)
    except KeyboardInterrupt as stop:
        print(f"tripos: {str(stop) or 'interrupted, nothing was written.'}", file=sys.stderr)
        return 130
    except Exception as error:
        from ..approximations.errors import TriposError

        if not isinstance(error, TriposError):
            raise
        print(f"tripos: {error}", file=sys.stderr)
        return 2


def _list_models() -> int:
    import pandas as pd

    from ..models import CATALOGUE
    from .commands.printing import console, table_of

    rows = [
        {"name": e.name, "what it is": e.description, "ask for": ", ".join(e.quantities)}
        | {"exact posterior": "" if e.truth is None else e.truth.source, "source": e.source}
        for e in CATALOGUE.values()
    ]
    console().print(table_of(pd.DataFrame(rows).set_index("name"), "Models"))
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from ..approximations import METHODS
    from .commands.compare import run_job

    methods = arguments.methods
    options: dict[str, dict[str, object]] = {"nuts": {"nuts_sampler": arguments.nuts_sampler}}
    if arguments.draws is not None:
        for method in (*METHODS, *(methods or ())):
            options.setdefault(method, {})["draws"] = arguments.draws
    outcome = run_job(
        arguments.target,
        Path(arguments.output),
        methods=methods,
        random_seed=arguments.random_seed,
        options=options,
        pictures=not arguments.no_pictures,
        picture_format=arguments.format,
        report=arguments.report,
    )
    return 1 if arguments.strict and not outcome.all_agree else 0


def _fit(arguments: argparse.Namespace) -> int:
    from .commands.fit import run_fit_job
    from .verdict.judging import Tolerances

    tolerances = {name: getattr(arguments, f"tolerance_{name}") for name in _TOLERANCES}
    limit = arguments.time_limit
    tree = run_fit_job(
        arguments.target,
        Path(arguments.output),
        ask=arguments.ask,
        methods=arguments.methods,
        draws=arguments.draws,
        random_seed=arguments.random_seed,
        nuts=None if limit is None else {"time_limit": limit},
        tolerance=Tolerances(**{name: x for name, x in tolerances.items() if x is not None}),
        pictures=not arguments.no_pictures,
    )
    return 1 if arguments.strict and not tree.attrs["accepted"] else 0


def _suite(arguments: argparse.Namespace) -> int:
    from .commands.suite import run_suite_job

    run_suite_job(
        arguments.file,
        store=arguments.store,
        workers=arguments.workers,
        dask=arguments.dask,
        only=arguments.only,
    )
    return 0


def _calibrate(arguments: argparse.Namespace) -> int:
    from .commands.calibrate import run_calibration_job

    found = run_calibration_job(
        arguments.target,
        Path(arguments.output),
        method=arguments.method,
        simulations=arguments.simulations,
        draws=arguments.draws,
        random_seed=arguments.random_seed,
        pictures=not arguments.no_pictures,
    )
    return 1 if arguments.strict and not found.passes else 0
