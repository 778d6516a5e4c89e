"""``python -m tripos`` is ``tripos``."""

import sys

from .comparisons.cli import main

sys.exit(main())
