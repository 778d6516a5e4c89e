"""Dependence on parameters: the zeros of a Hessian, and the terms of a log density.

``pattern`` finds the zeros by rules of ``dependence``; ``hessian`` needs a product for each colour
of ``colouring``. ``terms`` finds by the same rules what each element of a term depends on.
"""
