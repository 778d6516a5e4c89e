"""Comparisons of posteriors from any source: tables first, words second, pictures last.

Each of ``verdict``, ``calibration``, ``suite`` and ``report`` is a package with what users call in
its ``__init__.py``. ``fit`` tries the methods of ``ladder``, ``compare`` returns a ``Comparison``,
and ``commands`` has one file for each command of ``tripos``.
"""

import lazy_loader

# Lazy, so that ``tripos --help`` answers before PyMC is imported.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
