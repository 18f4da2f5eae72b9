#!/bin/sh
# Prints the path of a supported Python. Each candidate is run, since a name may exist and still fail (pyenv).
for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
    if "$candidate" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        command -v "$candidate"
        exit 0
    fi
done
found=$(python3 --version 2>/dev/null || echo "no Python 3 at all")
echo "Python 3.11, 3.12 or 3.13 with its venv module is required, but only $found was found." >&2
echo "Install one of them, or set PYTHON: make demo PYTHON=/path/to/python3.12" >&2
exit 1
