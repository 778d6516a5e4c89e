"""Where a Hessian is zero, and how few products of it with a vector give the rest.

``pattern`` finds the zeros by rules of ``dependence``; ``hessian`` needs a product for each colour
of ``colouring``.
"""
