"""Where to evaluate a density, and what to make of it: a grid's box, nodes, even points."""
