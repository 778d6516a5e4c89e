"""``python -m tripos.comparisons`` is ``python -m tripos`` since 0.2."""

import sys
import warnings

from .cli import main

warnings.warn("Call python -m tripos; this name goes with 0.3.", DeprecationWarning, stacklevel=1)
sys.exit(main())
