"""Where the trees of a report come from: settings, seeds, versions, seconds, lines of Python."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xarray as xr

from ...approximations import METHODS
from ...approximations.meter import evaluations_of
from .words import number

_SECONDS = ("seconds_compile", "seconds_fit", "seconds_draw", "seconds")

_COUNTED = {
    "value": "log densities",
    "gradient": "gradients",
    "hessian": "Hessians",
    "hessian_vector_product": "Hessian-vector products",
}


@dataclass(frozen=True)
class Origin:
    """How one tree was made, by its own attributes.

    Attributes
    ----------
    label, method, draws, seed, settings, versions : str
        Empty where the tree has no record.
    seconds : tuple of str
        To compile, to fit, to draw, and in all.
    evaluations : str
        Counts for the log density and its derivatives.
    """

    label: str
    method: str
    draws: str
    seed: str
    settings: str
    versions: str
    seconds: tuple[str, ...]
    evaluations: str


def origin(label: str, tree: xr.DataTree) -> Origin:
    """Read how a tree was made from its attributes."""
    attrs = tree.attrs
    sizes = tree["posterior"].sizes
    counts = {name: count for name, count in evaluations_of(tree).items() if count}
    return Origin(
        label,
        str(attrs.get("method", "")),
        f"{sizes['chain']} × {sizes['draw']}",
        str(attrs.get("random_seed", "")),
        ", ".join(f"{name} {_text(v)}" for name, v in _object(attrs, "settings").items()),
        ", ".join(f"{name} {v}" for name, v in _object(attrs, "versions").items()),
        tuple(number(float(attrs[s])) if s in attrs else "" for s in _SECONDS),
        ", ".join(f"{count} {_COUNTED.get(name, name)}" for name, count in counts.items()),
    )


def lines_of_python(trees: Mapping[str, xr.DataTree]) -> str:
    """Write the calls that reproduce the trees, as far as recorded; empty if none is.

    A setting that cannot be written as an argument is named in a comment.
    """
    methods = {label: str(tree.attrs.get("method", "")) for label, tree in trees.items()}
    known = {label: name for label, name in methods.items() if name in METHODS}
    if not known:
        return ""
    calls = [
        f"    {_quoted(label)}: {_call(name, trees[label].attrs)}" for label, name in known.items()
    ]
    strangers = [
        f"    # {_quoted(label)}: a tree from elsewhere" for label in trees if label not in known
    ]
    return "\n".join(
        [
            f"from tripos.approximations import {', '.join(sorted(set(known.values())))}",
            "from tripos.comparisons import Comparison",
            "",
            "# model: the pymc.Model that each was fitted to",
            "trees = {",
            *calls,
            *strangers,
            "}",
            'Comparison(trees).to_html("report.html", model=model)',
        ]
    )


def lines_of_job(
    target: str,
    methods: Sequence[str] | None,
    random_seed: int | None,
    options: Mapping[str, Mapping[str, Any]],
) -> str:
    """Write the calls that a job of the command line makes; the exercise has no methods."""
    arguments = f"random_seed={random_seed}" + (f", options={dict(options)!r}" if options else "")
    if methods is None:
        return (
            "from tripos.comparisons.exercise import JUDGES, bioassay_exercise\n\n"
            f"comparison = bioassay_exercise({arguments})\n"
            'comparison.to_html("report.html", judges=JUDGES)'
        )
    return (
        "from tripos.comparisons import compare\n"
        "from tripos.comparisons.target import load_model\n\n"
        f"model = load_model({_quoted(target)})\n"
        f"comparison = compare(model, {list(methods)!r}, {arguments})\n"
        'comparison.to_html("report.html", model=model)'
    )


def _call(method: str, attrs: Mapping[Any, Any]) -> str:
    accepted = inspect.signature(METHODS[method].function).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    arguments, comments = ["model"], []
    for name, value in _object(attrs, "settings").items():
        if value is None:
            continue
        plain = _argument(value)
        if (name in accepted or takes_any) and plain is not None:
            arguments.append(f"{name}={plain}")
        else:
            comments.append(f"{name}={_text(value)}")
    if (seed := str(attrs.get("random_seed", ""))).isdigit():
        arguments.append(f"random_seed={seed}")
    call = f"{method}({', '.join(arguments)}),"
    # A comment must end with its line.
    return call + (f"  # and {' '.join(', '.join(comments).split())}" if comments else "")


def _argument(value: Any) -> str | None:
    """Write a setting as an argument; None where only an object's repr is known."""
    entries, objects = [value], False
    while entries:
        one = entries.pop()
        entries += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        objects |= isinstance(one, str) and one.startswith("<")
        objects |= isinstance(one, float) and not math.isfinite(one)
    return None if objects else repr(value)


def _quoted(text: str) -> str:
    """Write a text as a Python literal in double quotes."""
    return json.dumps(text)


def _object(attrs: Mapping[Any, Any], name: str) -> dict[str, Any]:
    """Read an attribute that holds a JSON object; empty where there is none."""
    try:
        found = json.loads(attrs.get(name, "{}"))
    except (TypeError, ValueError):
        # A tree of another package may use the name for something else.
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return "not set" if value is None else value if isinstance(value, str) else json.dumps(value)
