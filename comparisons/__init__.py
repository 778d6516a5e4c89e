"""Comparisons of posteriors, whoever made them: tables first, words second, pictures last."""

import lazy_loader

# Lazy, so that ``tripos --help`` answers before PyMC is imported.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "calibration": ["Calibration", "calibrate"],
        "comparing": ["compare"],
        "comparison": ["Comparison"],
        "judging": ["Tolerances"],
        "ladder": ["fit"],
        "plot_scoreboard": ["plot_scoreboard"],
        "scoreboard": ["errors_of", "scoreboard"],
        "suite": ["run_suite"],
        "suite_table": ["Suite", "load_suite"],
        "verdict": ["Verdict", "verdict"],
    },
)
