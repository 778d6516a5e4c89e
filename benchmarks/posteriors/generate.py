"""Compute the truth of every posterior: ``python -m benchmarks.posteriors.generate [--only NAME]``.

``truth.json`` is written after each posterior, so an interruption loses one at most; those that are
there already are left alone, unless they are named.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from importlib.metadata import version
from typing import Any

from . import POSTERIORS
from .exact import by_closed_form, by_quadrature
from .posterior import ClosedForm, Nuts, Posterior, Quadrature
from .sampling import compiled, everyday, known_from, long_run
from .truth import PATH, PROBABILITIES, STEPS, Known, known_to_json

PACKAGES = ("pymc", "pytensor", "nutpie", "numpy", "scipy", "scikit-learn", "statsmodels")


def truth_of(posterior: Posterior) -> dict[str, Any]:
    """Truth of one posterior, and what an everyday run of NUTS costs."""
    program, seconds = compiled(posterior.build())
    reference = everyday(program, posterior, seconds)
    known, diagnostics = _known(posterior, program)
    return {
        "how": posterior.how,
        "diagnostics": diagnostics,
        "reference": reference,
        "versions": {"python": platform.python_version()} | {n: version(n) for n in PACKAGES},
        "quantities": {label: known_to_json(values) for label, values in known.items()},
    }


def _known(posterior: Posterior, program: Any) -> tuple[dict[str, Known], dict[str, Any]]:
    recipe = posterior.recipe
    if isinstance(recipe, ClosedForm):
        return by_closed_form(posterior, recipe), {}
    if isinstance(recipe, Quadrature):
        known, edge_mass = by_quadrature(posterior, recipe)
        return known, {"edge_mass": float(f"{edge_mass:.3g}"), "points": list(recipe.points)}
    return _by_nuts(posterior, recipe, program)


def _by_nuts(
    posterior: Posterior, recipe: Nuts, program: Any
) -> tuple[dict[str, Known], dict[str, Any]]:
    if recipe.model is not None:
        program, _ = compiled(recipe.model())
    longest = long_run(program, posterior, recipe)
    known = {
        label: known_from(draws, has_mean=label not in posterior.without_mean)
        for label, draws in longest.draws.items()
    }
    return known, longest.diagnostics() | {"target_accept": recipe.target_accept}


def stored() -> dict[str, Any]:
    """What `truth.json` holds so far."""
    return json.loads(PATH.read_text())["posteriors"] if PATH.exists() else {}


def write(entries: dict[str, Any]) -> None:
    """Write all at once, in the table's order and one list a line, so that a diff can be read."""
    settings = {
        "probabilities": [PROBABILITIES[0], PROBABILITIES[-1], len(PROBABILITIES)],
        "quantile": f"centre + scale * step / {STEPS}",
    }
    ordered = {name: entries[name] for name in POSTERIORS if name in entries}
    text = json.dumps({"settings": settings, "posteriors": ordered}, indent=1, default=float)
    draft = PATH.with_suffix(".tmp")
    draft.write_text(_one_line_a_list(text) + "\n")
    draft.replace(PATH)


def _one_line_a_list(text: str) -> str:
    lines, inside = [], False
    for line in text.splitlines():
        if inside:
            lines[-1] += line.strip()
        else:
            lines.append(line)
        inside = line.endswith("[") or (inside and not line.strip().startswith("]"))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(POSTERIORS), metavar="NAME")
    wanted = parser.parse_args().only
    done = stored()
    for name in wanted or [name for name in POSTERIORS if name not in done]:
        started = time.perf_counter()
        entry = truth_of(POSTERIORS[name])
        write(stored() | {name: entry})
        told = {k: v for k, v in entry["diagnostics"].items() if k != "chains"}
        print(f"{name:28s} {time.perf_counter() - started:6.1f} s  {told}", flush=True)


if __name__ == "__main__":
    main()
