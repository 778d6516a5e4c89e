"""Comparisons of posteriors, whoever made them: tables first, words second, pictures last."""

import lazy_loader

# Lazy, so that ``tripos --help`` answers before PyMC is imported.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "comparing": ["compare"],
        "comparison": ["Comparison"],
        "judging": ["Tolerances"],
        "ladder": ["fit"],
        "verdict": ["Verdict", "verdict"],
    },
)
