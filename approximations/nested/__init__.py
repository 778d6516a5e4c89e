"""A latent field integrated out: the rooms of `nested_laplace`.

``latent_field`` splits a model; ``conditional`` is the field given the outer parameters, whose mode
is in ``outer_mode`` and whose density in ``outer_nodes``; ``draws`` has both together, and
``tails`` refuses what is improper.
"""
