#!/bin/sh
# Prints a Python that the project runs on. A name may exist and still not run (pyenv), so each is tried.
for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
    if "$candidate" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        command -v "$candidate"
        exit 0
    fi
done
found=$(python3 --version 2>/dev/null || echo "no Python 3 at all")
echo "This needs Python 3.11, 3.12 or 3.13 with its venv module, and found $found." >&2
echo "Install one of them, or name it: make demo PYTHON=/path/to/python3.12" >&2
exit 1
