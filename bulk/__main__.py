"""`python -m bulk` is `melanoma-submit`."""

from bulk.cli import main

main(prog_name="melanoma-submit")
