"""`python -m kinimmune`: the command where its folder of programs is not in the path."""

import sys

from kinimmune.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
