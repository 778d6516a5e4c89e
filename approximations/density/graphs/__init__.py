"""A model as graphs over one vector, compiled; and the data and starts that users give it by name.

``parameters`` lays the vector out, ``symbolic`` makes the graphs: ``lifting`` takes data out of
them, ``hoisting`` what depends on data alone, ``guards`` what needs no asking. ``compiling`` makes
them callable, quick in NumPy by ``numpy_rewrites`` and in Numba by ``logistic``, when ``functions``
is asked for one.
"""
