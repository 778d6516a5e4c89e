"""A comparison as one self-contained HTML file, to send, to print, or for a screen reader."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import xarray as xr
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...approximations.errors import ArgumentError, StorageError
from ..pictures.style import Style, styles_of
from ..verdict.judges import reference_of, verdicts
from ..verdict.result import Verdict
from .diagnostics import diagnosis
from .model import Models, named_models, variables_of, variables_of_trees
from .origin import lines_of_python, origin
from .overview import Overview, overview_of
from .pictures import comparison_pictures
from .table import sheet
from .words import finding_about_intervals, judged, minus_signs

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class About:
    """What a report holds besides its trees; see `Comparison.to_html`."""

    title: str | None = None
    model: Models | None = None
    failures: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] | None = None
    judges: Mapping[str, str] | None = None
    findings: Sequence[str] = ()
    quantities: Sequence[str] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None


def write_report(trees: Mapping[str, xr.DataTree], path: str | Path, about: About) -> Path:
    """Write a report on trees by label, all of it or nothing.

    Raises
    ------
    StorageError
        When the file cannot be written, which is checked before the work begins.
    ArgumentError
        When a quantity, a label or the model is not one.
    """
    return _written(Path(path), lambda: rendered(trees, about))


def rendered(trees: Mapping[str, xr.DataTree], about: About) -> str:
    """Make the text of a report.

    Raises
    ------
    ArgumentError
        When a quantity, a label or the model is not one.
    """
    judges = _checked_judges(trees, about)
    models = named_models(about.model)
    overview = overview_of(trees, about.quantities)
    _check_quantities(overview, about.quantities)
    found = about.verdicts
    if found is None:
        found = verdicts(trees, judges=judges) if judges else {}
    origins = [origin(label, tree) for label, tree in trees.items()]
    first, *others = trees
    # Without a more exact tree, the others are compared with the first.
    held_against = judges or dict.fromkeys(others, first)
    every = list(overview.quantiles.index.unique("quantity"))
    content = {
        "title": about.title or "Comparison of posteriors",
        "labels": list(trees),
        "failures": about.failures,
        "judged": [judged(label, one, judges.get(label)) for label, one in found.items()],
        "findings": [minus_signs(one) for one in about.findings]
        or finding_about_intervals(overview.quantiles, held_against, every),
        "pictures": comparison_pictures(
            trees, overview.drawn, overview.quantiles, held_against, about.units
        ),
        "units": about.units,
        "sheet": sheet(overview.summary, found, judges),
        "folded": sheet(overview.folded, found, judges),
        "quantities": len(every),
        "shown": overview.summary.index.unique("quantity").size,
        "diagnoses": [diagnosis(label, tree, overview.drawn) for label, tree in trees.items()],
        "models": {name: variables_of(model) for name, model in models.items()},
        "variables": variables_of_trees(trees.values()),
        "origins": origins,
        "versions": list(dict.fromkeys(one.versions for one in origins)),
        "code": lines_of_python(trees) if about.code is None else about.code,
        "samples": [_sample(style) for style in styles_of(trees).values()],
    }
    return _filled(content)


def _filled(content: Mapping[str, Any]) -> str:
    """Fill in the template; only its own style and script may run."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    parts = {
        name: (_TEMPLATES / f"report.{ending}").read_text(encoding="utf-8")
        for name, ending in (("css", "css"), ("script", "js"))
    }
    hashes = {f"{name}_hash": _hash(text) for name, text in parts.items()}
    return environment.get_template("report.html").render(**content, **parts, **hashes)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _written(path: Path, text: Callable[[], str]) -> Path:
    """Write a text to a temporary file, then move it into place."""
    beside = path.with_name(f".{path.name}-{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
        beside.touch(exist_ok=False)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        whole = text()
        beside.write_text(whole, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        beside.unlink(missing_ok=True)
    return path


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"The report {path} cannot be written: {error}. Name a file in a folder that you may "
        "write to, such as report.html."
    )


def _checked_judges(trees: Mapping[str, xr.DataTree], about: About) -> dict[str, str]:
    """Label of each judged tree, to the label of its judge."""
    labels = trees.keys()
    given = {*(about.verdicts or ()), *(about.judges or ()), *(about.judges or {}).values()}
    if unknown := sorted(given - labels):
        raise ArgumentError(f"There is no tree called {unknown}; there are {list(labels)}.")
    if about.judges is not None:
        return dict(about.judges)
    reference = reference_of(trees)
    others = [label for label in labels if label != reference]
    return {} if reference is None else dict.fromkeys(others, reference)


def _check_quantities(overview: Overview, quantities: Sequence[str] | None) -> None:
    known = set(overview.quantiles.index.unique("quantity"))
    if unknown := [q for q in quantities or () if q not in known]:
        some = ", ".join(list(overview.quantiles.index.unique("quantity"))[:20])
        raise ArgumentError(f"quantities hold {unknown}, but the trees share {some}.")


def _sample(style: Style) -> dict[str, str]:
    """A short line in a method's colour, as attributes of SVG."""
    lengths = () if isinstance(style.line, str) else style.line[1]
    dashes = " ".join(f"{style.width * length:.1f}" for length in lengths)
    return {"colour": style.colour, "width": f"{style.width:.1f}", "dashes": dashes}
