"""Several posteriors side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from ..approximations.errors import ArgumentError
from ..approximations.meter import evaluations_of
from .notebook import html_of_numbers
from .storage import load_trees, save_trees
from .summary import most_different, quantities_of, shared_variables, summary_of, summary_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .report.model import Models
    from .verdict.result import Verdict

# Of what a session or a notebook shows: rows, and quantities that are looked at to find them.
_MOST_ROWS, _MOST_MEASURED = 30, 200
_SHOWN = {"mean": "mean", "sd": "sd", "q2.5": "2.5 %", "q50": "50 %", "q97.5": "97.5 %"}
_SHOWN |= {"mcse_mean": "s.e.", "ess_bulk": "ESS", "r_hat": "R-hat"}


@dataclass(frozen=True)
class Comparison:
    """Posteriors to compare, each a tree in the InferenceData schema, from any source.

    Parameters
    ----------
    trees : mapping of str to DataTree
        By label. Each needs a group ``posterior`` with dims ``chain`` and ``draw``.
    failures : mapping of str to str, optional
        Methods that could not be run, by label, and why.

    Raises
    ------
    ArgumentError
        When there is no tree, or one has no posterior.
    NoSharedVariableError
        When the trees have no variable in common.
    """

    trees: Mapping[str, xr.DataTree]
    failures: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the trees."""
        if not isinstance(self.trees, Mapping) or not isinstance(self.failures, Mapping):
            raise ArgumentError(
                "A comparison needs its trees by label, as a mapping such as {'laplace': tree}, "
                f"but a {type(self.trees).__name__} was given."
            )
        if not self.trees:
            raise ArgumentError("A comparison needs at least one tree, but none was given.")
        for label, tree in self.trees.items():
            if not isinstance(tree, xr.DataTree) or "posterior" not in tree.children:
                raise ArgumentError(
                    f"The tree {label!r} must be an xarray.DataTree with a group 'posterior', but "
                    f"a {type(tree).__name__} was given that has none. arviz.convert_to_datatree "
                    "makes one from draws."
                )
            missing = {"chain", "draw"} - set(tree["posterior"].dims)
            if missing:
                raise ArgumentError(
                    f"The posterior of {label!r} has no dim {' and '.join(sorted(missing))}."
                )
        shared_variables(self.trees)

    def summary(self, var_names: Sequence[str] | None = None) -> pd.DataFrame:
        """Tabulate mean, sd, 50 % and 95 % intervals and their Monte Carlo errors.

        Parameters
        ----------
        var_names : sequence of str, optional
            Variables to show; those that at least two trees have, if None.

        Returns
        -------
        DataFrame
            See `tripos.comparisons.summary.summary_table`; `costs` has the seconds.
        """
        table = summary_table(self.trees, var_names)
        seconds = self.costs()["seconds"]
        return table.assign(seconds=[seconds[label] for _, label in table.index])

    def __repr__(self) -> str:
        """Give the quantities that differ most, as a table."""
        frame, notes = self._shown()
        return "\n".join([frame.to_string(), *notes])

    def _repr_html_(self) -> str:
        """As `repr`, in a notebook."""
        return html_of_numbers(*self._shown())

    def _shown(self) -> tuple[pd.DataFrame, list[str]]:
        """Cells of the quantities that differ most, as text, and what else there is to say."""
        quantities = quantities_of(self.trees, shared_variables(self.trees))
        summary = summary_of(self.trees, quantities[:_MOST_MEASURED])
        frame = most_different(summary, _MOST_ROWS)[list(_SHOWN)].rename(columns=_SHOWN)
        frame = frame.dropna(axis="columns", how="all")
        shown = frame.index.unique("quantity").size
        notes = [f"{label} could not be run. {why}" for label, why in self.failures.items()]
        if shown < len(quantities):
            notes.append(f"{shown} of {len(quantities)} quantities; summary() has all.")
        return frame.map(lambda x: "" if pd.isna(x) else f"{x:.4g}"), notes

    def costs(self) -> pd.DataFrame:
        """Tabulate the cost of each tree: seconds by stage, and density evaluations."""
        names = ("seconds_compile", "seconds_fit", "seconds_draw", "seconds")
        rows = {
            label: {
                "method": tree.attrs.get("method", ""),
                **{name: tree.attrs.get(name, float("nan")) for name in names},
                "evaluations": sum(evaluations_of(tree).values()),
            }
            for label, tree in self.trees.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("label")

    def only(self, labels: Iterable[str]) -> Comparison:
        """Keep some of the trees.

        Raises
        ------
        ArgumentError
            When a label is unknown.
        """
        labels = list(labels)
        if unknown := [label for label in labels if label not in self.trees]:
            raise ArgumentError(f"There is no tree called {unknown}; there are {list(self.trees)}.")
        return Comparison({label: self.trees[label] for label in labels})

    def pictures(
        self, quantities: Sequence[str] | None = None, units: Mapping[str, str] | None = None
    ) -> dict[str, Figure]:
        """Draw the comparison.

        Parameters
        ----------
        quantities : sequence of str, optional
            Labels such as ``"beta"``; the first two span the plane of the overlay and contours. All
            that the trees share, up to twelve, if None.
        units : mapping of str to str, optional
            Unit of a quantity, for the axis.

        Returns
        -------
        dict of str to Figure
            ``"marginals"`` and ``"intervals"``, with two quantities or more ``"overlay"`` and
            ``"contours"`` of the first two, and with three to six the ``"matrix"`` of all.
        """
        from .pictures.comparison import plot_comparison

        shown = list(quantities or self.summary().index.unique("quantity")[:12])
        return plot_comparison(self.trees, shown, units)

    def to_html(
        self,
        path: str | Path,
        *,
        title: str | None = None,
        model: Models | None = None,
        verdicts: Mapping[str, Verdict] | None = None,
        judges: Mapping[str, str] | None = None,
        findings: Sequence[str] = (),
        quantities: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        code: str | None = None,
    ) -> Path:
        """Write a report: one self-contained HTML file that loads nothing from the network.

        Parameters
        ----------
        path : str or Path
            The file; written atomically.
        title : str, optional
        model : pymc.Model, LogDensity, or mapping of str to them, optional
            Whose variables, priors and dims the report describes; only names and dims, if None.
        verdicts : mapping of str to Verdict, optional
            By label. If None, they are computed against ``judges``; ``{}`` leaves them out.
        judges : mapping of str to str, optional
            Label of each tree to the label of its reference. If None, the most exact tree (a grid,
            or else a NUTS run) judges all others.
        findings : sequence of str, optional
            Sentences printed under the verdicts. If empty, where the trees are furthest apart.
        quantities : sequence of str, optional
            Labels such as ``"beta"`` to draw. Those that differ most, up to twelve, if None.
        units : mapping of str to str, optional
            Unit of a quantity.
        code : str, optional
            Python code that reproduces the report. Written from the trees' attributes, if None.

        Returns
        -------
        Path
            Path of the file. Of more than 30 quantities the 30 that differ most are shown in full,
            and the quantiles of the others are folded away.

        Raises
        ------
        StorageError
            When the file cannot be written.
        ArgumentError
            When a label or a quantity is unknown, or ``model`` is not a model.
        NoSharedVariableError
            When no tree has two of ``quantities``.
        """
        from .report import About, write_report

        about = About(
            title, model, self.failures, verdicts, judges, findings, quantities, units or {}, code
        )
        return write_report(self.trees, path, about)

    def save(self, directory: str | Path) -> Path:
        """Write every tree as netCDF into a folder, all or nothing.

        Raises
        ------
        StorageError
            When the folder cannot be written, or holds something else.
        """
        return save_trees(self.trees, self.failures, directory)

    @classmethod
    def load(cls, directory: str | Path) -> Comparison:
        """Read what `save` wrote.

        Raises
        ------
        StorageError
            When the folder is not one that `save` wrote, or a file in it is damaged.
        """
        trees, failures = load_trees(directory)
        return cls(trees, failures)
