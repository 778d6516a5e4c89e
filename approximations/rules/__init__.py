"""Where to evaluate a density, and how to use the values: grids, nodes, quasi-random points."""
