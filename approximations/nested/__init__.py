"""A latent field integrated out: the parts of `nested_laplace`.

``latent_field`` splits a model; ``conditional`` is the field given the outer parameters, whose mode
is in ``outer_mode`` and whose density in ``outer_nodes``; ``draws`` draws both jointly, and
``tails`` rejects improper posteriors.
"""
