"""How every picture looks: one colour, line and marker per method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import xarray as xr
from matplotlib import rc_context
from matplotlib.colors import to_hex, to_rgb

from ...approximations.method import METHODS, Look

DashPattern = tuple[float, tuple[float, ...]]

# Okabe and Ito's palette, which colour-blind readers can tell apart; its yellow is lost on white.
# Then Tol's muted one, for methods that are seldom seen all at once. These are for methods that do
# not say how they are drawn: colour, dashes (none is a solid line), marker.
_FURTHER: tuple[Look, ...] = (
    ("#882255", (4.0, 1.5, 1.0, 3.0), "P"),
    ("#666666", (2.0, 2.0, 8.0, 2.0), "X"),
)
# Further trees of one method: share of white, width, length of dashes. Lightness and width differ
# enough to be told apart in greyscale; a seventh looks like the first. Matplotlib multiplies the
# length of dashes by the width.
_VARIANTS = (
    (0.0, 1.6, 1.0),
    (0.55, 3.2, 0.5),
    (0.3, 1.0, 2.2),
    (0.7, 2.2, 0.25),
    (0.15, 4.2, 0.35),
    (0.45, 0.7, 0.7),
)


@dataclass(frozen=True)
class Style:
    """How one tree is drawn.

    Attributes
    ----------
    method : str
        The method that colour and line denote.
    colour : str
        Hexadecimal.
    line : "solid" or (offset, dashes)
    width : float
        Width of a line, in points.
    marker : str
    hollow : bool
        Whether the markers are outlines: further trees of a method.
    """

    method: str
    colour: str
    line: str | DashPattern
    width: float
    marker: str
    hollow: bool

    @property
    def stroke(self) -> dict[str, Any]:
        """The style of a line, as Matplotlib's arguments."""
        return {
            "color": self.colour,
            "linestyle": self.line,
            "linewidth": self.width,
            "zorder": self.zorder,
        }

    @property
    def zorder(self) -> float:
        """Drawing order: thin lines over wide ones, so that coinciding curves are all visible."""
        return 2 + 1 / self.width


def look() -> AbstractContextManager[None]:
    """Matplotlib's settings for a picture, for the time that it is made."""
    return rc_context(
        {
            "font.size": 9,
            "axes.labelsize": 10,
            "axes.titlesize": 10,
            "legend.fontsize": 9,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
        }
    )


def style_of(tree: xr.DataTree, label: str, taken: Sequence[Style] = ()) -> Style:
    """Choose the style of a tree, by the method in its attributes.

    Parameters
    ----------
    tree : DataTree
    label : str
        Used in place of the method where the tree does not name it.
    taken : sequence of Style
        Those of the trees before it: a second tree of a method gets a lighter, wider line, and a
        method without a colour of its own gets the next one that is free.

    Returns
    -------
    Style
    """
    method = str(tree.attrs.get("method") or label)
    same = sum(style.method == method for style in taken)
    own = {name: known.look for name, known in METHODS.items() if known.look}
    others = list(dict.fromkeys(s.method for s in taken if s.method not in own))
    place = others.index(method) if method in others else len(others)
    colour, dashes, marker = own.get(method, _FURTHER[place % len(_FURTHER)])
    # Where the extra colours repeat, the variants keep the methods distinct.
    rounds = 0 if method in own else place // len(_FURTHER)
    variant = (same + rounds) % len(_VARIANTS)
    white, width, stretch = _VARIANTS[variant]
    line = _stretched(dashes, stretch)
    return Style(method, _lighter(colour, white), line, width, marker, hollow=variant > 0)


def styles_of(trees: Mapping[str, xr.DataTree]) -> dict[str, Style]:
    """Choose a style for every tree, by label."""
    styles: dict[str, Style] = {}
    for label, tree in trees.items():
        styles[label] = style_of(tree, label, list(styles.values()))
    return styles


def _lighter(colour: str, white: float) -> str:
    red, green, blue = (channel + white * (1 - channel) for channel in to_rgb(colour))
    return to_hex((red, green, blue))


def _stretched(dashes: tuple[float, ...], stretch: float) -> str | DashPattern:
    return (0.0, tuple(stretch * dash for dash in dashes)) if dashes else "solid"
