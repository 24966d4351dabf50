"""`python -m supervisor`: the same as the command `neverdark`."""

import sys

from supervisor.cli import main

if __name__ == "__main__":
    sys.exit(main())
