"""What users call, where it comes from."""

from .calibration import Calibration as Calibration, calibrate as calibrate
from .compare import compare as compare
from .comparison import Comparison as Comparison
from .ladder import fit as fit
from .pictures.scoreboard import plot_scoreboard as plot_scoreboard
from .scoreboard import errors_of as errors_of, scoreboard as scoreboard
from .suite import run_suite as run_suite
from .suite.table import Suite as Suite, load_suite as load_suite
from .verdict import verdict as verdict
from .verdict.judging import Tolerances as Tolerances
from .verdict.result import Verdict as Verdict
