"""A function of ``theta`` with its derivatives: a log density, a quantity, the sum of both.

``scalar_function`` gives PyTensor's, and where it has no second ones those that ``differences``
take from the gradient; ``tilting`` adds two functions; ``checking`` compares a Hessian with
differences at a mode.
"""
