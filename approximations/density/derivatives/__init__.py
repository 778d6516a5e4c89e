"""A function of ``theta`` with its derivatives: a log density, a quantity, the sum of both.

``scalar_function`` gives PyTensor's, and second derivatives by ``differences`` where it has none;
``tilting`` adds two functions; ``checking`` compares a Hessian with differences at a mode.
"""
