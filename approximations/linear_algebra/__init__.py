"""Normal distributions and the Cholesky factors, dense and sparse, of their precisions.

``gaussian`` is the normal distribution; ``sparse_cholesky`` factors, ``flattest`` finds a matrix's
direction of least curvature.
"""
