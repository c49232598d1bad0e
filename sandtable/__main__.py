"""`python -m sandtable` is `sandtable`."""

import sys

from sandtable.cli import main

sys.exit(main())
