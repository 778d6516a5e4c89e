"""How a method runs: by other packages, with a bar, and with a bill of seconds and evaluations.

``outside`` is for all methods that other packages run; ``ascent`` climbs for `advi`, and
``variational`` makes the tree of `advi` and `dadvi`.
"""
