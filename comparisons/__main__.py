"""``python -m tripos.comparisons`` is ``tripos``."""

import sys

from .cli import main

sys.exit(main())
