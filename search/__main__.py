"""`python -m search` is `nasnet-search`."""

import sys

from search.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
