"""Comparisons of posteriors, whoever made them: tables first, words second, pictures last.

What users call is here, and its parts are in folders: ``verdicts``, ``calibrations``, ``suites``,
``reports``, ``pictures``, and ``jobs``, one for each command of ``tripos``.
"""

import lazy_loader

# Lazy, so that ``tripos --help`` answers before PyMC is imported.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "calibration": ["Calibration", "calibrate"],
        "comparing": ["compare"],
        "comparison": ["Comparison"],
        "ladder": ["fit"],
        "pictures.scoreboard": ["plot_scoreboard"],
        "scoreboard": ["errors_of", "scoreboard"],
        "suite": ["run_suite"],
        "suites.table": ["Suite", "load_suite"],
        "verdict": ["Verdict", "verdict"],
        "verdicts.judging": ["Tolerances"],
    },
)
