"""What users call, where it comes from: `__init__.py` imports it from here, at its first use."""

from . import approximations as approximations
from . import comparisons as comparisons
from . import models as models
from .approximations import (
    METHODS as METHODS,
)
from .approximations import (
    Gaussian as Gaussian,
)
from .approximations import (
    LogDensity as LogDensity,
)
from .approximations import (
    Mode as Mode,
)
from .approximations import (
    Modes as Modes,
)
from .approximations import (
    advi as advi,
)
from .approximations import (
    dadvi as dadvi,
)
from .approximations import (
    diagonal_laplace as diagonal_laplace,
)
from .approximations import (
    find_mode as find_mode,
)
from .approximations import (
    find_modes as find_modes,
)
from .approximations import (
    fullrank_advi as fullrank_advi,
)
from .approximations import (
    grid as grid,
)
from .approximations import (
    importance as importance,
)
from .approximations import (
    laplace as laplace,
)
from .approximations import (
    low_rank_laplace as low_rank_laplace,
)
from .approximations import (
    nested_laplace as nested_laplace,
)
from .approximations import (
    nuts as nuts,
)
from .approximations import (
    pathfinder as pathfinder,
)
from .approximations import (
    quadrature as quadrature,
)
from .approximations import (
    skew_laplace as skew_laplace,
)
from .approximations import (
    smc as smc,
)
from .approximations import (
    tierney_kadane as tierney_kadane,
)
from .approximations.errors import (
    ArgumentError as ArgumentError,
)
from .approximations.errors import (
    BoundsError as BoundsError,
)
from .approximations.errors import (
    CalibrationError as CalibrationError,
)
from .approximations.errors import (
    ConvergenceError as ConvergenceError,
)
from .approximations.errors import (
    CorruptCellWarning as CorruptCellWarning,
)
from .approximations.errors import (
    CurvatureError as CurvatureError,
)
from .approximations.errors import (
    DataError as DataError,
)
from .approximations.errors import (
    DerivativeError as DerivativeError,
)
from .approximations.errors import (
    DifferencesWarning as DifferencesWarning,
)
from .approximations.errors import (
    DiscreteVariableError as DiscreteVariableError,
)
from .approximations.errors import (
    GradientError as GradientError,
)
from .approximations.errors import (
    GridEdgeWarning as GridEdgeWarning,
)
from .approximations.errors import (
    GridSizeError as GridSizeError,
)
from .approximations.errors import (
    ImproperPosteriorError as ImproperPosteriorError,
)
from .approximations.errors import (
    IndefiniteMatrixError as IndefiniteMatrixError,
)
from .approximations.errors import (
    LatentFieldError as LatentFieldError,
)
from .approximations.errors import (
    LatentModeError as LatentModeError,
)
from .approximations.errors import (
    MarginalError as MarginalError,
)
from .approximations.errors import (
    MemoryLimitError as MemoryLimitError,
)
from .approximations.errors import (
    MethodError as MethodError,
)
from .approximations.errors import (
    MissingExtraError as MissingExtraError,
)
from .approximations.errors import (
    ModeAtInfinityError as ModeAtInfinityError,
)
from .approximations.errors import (
    ModeNotFoundError as ModeNotFoundError,
)
from .approximations.errors import (
    NoFreeVariableError as NoFreeVariableError,
)
from .approximations.errors import (
    NoMethodError as NoMethodError,
)
from .approximations.errors import (
    NonFiniteDensityError as NonFiniteDensityError,
)
from .approximations.errors import (
    NoSharedVariableError as NoSharedVariableError,
)
from .approximations.errors import (
    NoTrustedMethodError as NoTrustedMethodError,
)
from .approximations.errors import (
    QuadratureError as QuadratureError,
)
from .approximations.errors import (
    QuadratureWarning as QuadratureWarning,
)
from .approximations.errors import (
    QuantityError as QuantityError,
)
from .approximations.errors import (
    RandomDensityError as RandomDensityError,
)
from .approximations.errors import (
    SamplingError as SamplingError,
)
from .approximations.errors import (
    SecondModeWarning as SecondModeWarning,
)
from .approximations.errors import (
    SmallGroupsWarning as SmallGroupsWarning,
)
from .approximations.errors import (
    SparsityError as SparsityError,
)
from .approximations.errors import (
    StartingPointError as StartingPointError,
)
from .approximations.errors import (
    StorageError as StorageError,
)
from .approximations.errors import (
    SuiteError as SuiteError,
)
from .approximations.errors import (
    TargetError as TargetError,
)
from .approximations.errors import (
    TriposError as TriposError,
)
from .approximations.errors import (
    UntrustedReferenceWarning as UntrustedReferenceWarning,
)
from .approximations.errors import (
    UntrustedWeightsWarning as UntrustedWeightsWarning,
)
from .approximations.errors import (
    WeightsError as WeightsError,
)
from .comparisons import (
    Calibration as Calibration,
)
from .comparisons import (
    Comparison as Comparison,
)
from .comparisons import (
    Suite as Suite,
)
from .comparisons import (
    Tolerances as Tolerances,
)
from .comparisons import (
    Verdict as Verdict,
)
from .comparisons import (
    calibrate as calibrate,
)
from .comparisons import (
    compare as compare,
)
from .comparisons import (
    errors_of as errors_of,
)
from .comparisons import (
    fit as fit,
)
from .comparisons import (
    load_suite as load_suite,
)
from .comparisons import (
    plot_scoreboard as plot_scoreboard,
)
from .comparisons import (
    run_suite as run_suite,
)
from .comparisons import (
    scoreboard as scoreboard,
)
from .comparisons import (
    verdict as verdict,
)

__version__: str
