"""`python -m samples DIRECTORY`: renders the demo set, or with `--many` images for a benchmark."""

import argparse
from pathlib import Path

from samples.demo import render_samples
from samples.image_set import render_many


def main() -> None:
    """Parse the command line and render."""
    parser = argparse.ArgumentParser(
        prog="python -m samples", description="Render images for demos, tests and benchmarks."
    )
    parser.add_argument("directory", type=Path, help="directory for the files; created if missing")
    parser.add_argument("--count", type=int, default=24, help="number of images (default: 24)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed renders the same images (default: 1)")
    parser.add_argument(
        "--many", action="store_true", help="similar JPEGs of 1024 x 768, rendered fast, for benchmarks"
    )
    options = parser.parse_args()
    render = render_many if options.many else render_samples
    paths = render(options.directory, options.count, seed=options.seed)
    print(f"{len(paths)} images in {options.directory}")


if __name__ == "__main__":
    main()
