"""Makes `python -m bulk` the same as `melanoma-submit`."""

from bulk.cli import main

main()
