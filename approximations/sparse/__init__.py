"""Sparse matrices: where a Hessian is zero, how few products give it, and its Cholesky factors.

``sparsity`` finds the zeros by rules of ``dependence``; ``hessian`` needs a product for each colour
of ``colouring``; ``cholesky`` factors, and ``flattest`` finds where a matrix curves least.
"""
