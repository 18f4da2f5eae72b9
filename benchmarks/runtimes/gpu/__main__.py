"""`make bench-gpu`: answers, speed and whole path of the service on the GPU of this machine, or else on its CPU.

* Agreement: the outputs of every batch size are compared with the answers in the artefact, and the answers for rendered
  images with those of TensorFlow and OpenVINO on the CPU, where they are installed.
* The bare model: images a second by batch size, with the copies to and from the device.
* The decoding: images a second of all cores.
* The whole path: Valkey, `melanoma-worker` with 1 to n processes, and clients that submit 16 images at a time. A ratio
  is its throughput as a share of the smaller ceiling: the decoding of the worker's cores, or the bare model. If the
  device is the CPU, the ceiling is that of decoding and predicting on the same cores.

MELANOMA_RUNTIME and MELANOMA_DEVICE choose runtime and device, as for a worker. The last line is a JSON object.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

# TensorFlow reads this when it is imported; level 2 hides its start-up messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from rich.console import Console
from rich.table import Table

from benchmarks.runtimes.gpu.bare_model import BatchFigures, compare_with_installed, measure_batches
from benchmarks.runtimes.gpu.ceilings import Ceilings
from benchmarks.runtimes.gpu.decoding import DecodingCores, start_decoding_cores
from benchmarks.runtimes.gpu.service import Cores, Round, measure_service
from local.worker_processes import StartError
from runtimes.factory import load_predictor
from runtimes.known_answers import read_known_answers
from samples.demo import render_samples
from samples.image_set import render_many
from shared.config.settings import Settings, SettingsError, settings
from shared.model.artefact import KNOWN_ANSWERS_NAME, ArtefactError, Manifest, read_artefact
from training.evaluation.result import AgreementResult

_BATCHES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_PROCESSES: Final = (1, 2, 4, 8, 16)
#: Without --processes, a process gets at least so many cores.
_MIN_CORES_PER_PROCESS: Final = 2
_SIZE: Final = (1024, 768)

#: Values of --quick.
_QUICK: Final = {"batches": "1,2,4", "processes": "1", "images": 16, "rendered": 8, "seconds": 3.0, "rounds": 1}


def main() -> None:
    """Measure and print tables. The last line is a JSON object."""
    options = _parse_options()
    console = Console(width=120)
    try:
        config = settings()
        manifest = read_artefact(config.artefact)
        with tempfile.TemporaryDirectory(prefix="melanoma-images-") as directory:
            figures = _measure(options, config, manifest, Path(directory), console)
    except (ArtefactError, SettingsError, StartError) as error:
        sys.exit(f"Error: {error}")
    print(json.dumps(figures))


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runtimes.gpu", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, for two minutes on two cores without a GPU")
    parser.add_argument("--batches", help="batch sizes of the bare model")
    parser.add_argument("--processes", help="numbers of worker processes; default: 1, 2, 4 ... with two cores each")
    parser.add_argument("--images", type=int, help="JPEGs of 1024x768 that are decoded and submitted")
    parser.add_argument("--rendered", type=int, help="rendered images on which runtimes are compared")
    parser.add_argument("--seconds", type=float, help="length of a measurement")
    parser.add_argument("--rounds", type=int, help="measurements of the whole path for each number of processes")
    full = {"batches": _join(_BATCHES), "processes": "", "images": 96, "rendered": 96, "seconds": 8.0, "rounds": 3}
    parser.set_defaults(**full)
    # An option that is given takes precedence over --quick.
    if parser.parse_args().quick:
        parser.set_defaults(**_QUICK)
    return parser.parse_args()


def _measure(
    options: argparse.Namespace, config: Settings, manifest: Manifest, home: Path, console: Console
) -> dict[str, Any]:
    predictor = load_predictor(
        config.artefact, manifest, runtime=config.runtime, device=config.device, precision=config.precision
    )
    device = f"{predictor.runtime} on {predictor.device} in {predictor.precision}"
    console.print(f"{manifest.title}, {device}")
    rendered = render_samples(home / "rendered", options.rendered)
    agreement = compare_with_installed(predictor, config.artefact, manifest, rendered)
    known = read_known_answers(config.artefact / KNOWN_ANSWERS_NAME)
    batches = list(measure_batches(predictor, manifest, known, _split(options.batches), options.seconds / 4))
    is_on_cpu = predictor.device.startswith("CPU")
    # A worker process needs the memory of the device.
    del predictor
    _print_model(console, agreement, batches)
    best = max(batches, key=lambda figures: figures.images_per_s)
    available = sorted(os.sched_getaffinity(0))
    render_many(home / "submitted", options.images, size=_SIZE, seed=7)
    with start_decoding_cores(home / "submitted", available) as decoding:
        all_cores_per_s = decoding.measure(len(available), options.seconds)
        rows = _measure_service(options, home / "submitted", decoding, Cores.split(available))
    ceilings = {
        count: [Ceilings(each.decoding_per_s, best.images_per_s, is_on_cpu) for each in rounds]
        for count, rounds in rows.items()
    }
    _print_service(console, rows, ceilings, all_cores_per_s)
    figures: dict[str, Any] = {
        "device": device,
        "cores": len(available),
        "worker_cores": len(Cores.split(available).worker),
        "known_answers_changed": sum(each.agreement.band_changes for each in batches),
        "known_answers_max_difference": max(each.agreement.max_difference for each in batches),
        **{f"{name}_changed": result.band_changes for name, result in agreement.items()},
        **{f"{name}_max_difference": result.max_difference for name, result in agreement.items()},
        **{f"model_img_s_{each.size}": round(each.images_per_s, 1) for each in batches},
        "decoding_img_s": round(all_cores_per_s, 1),
    }
    for count, rounds in rows.items():
        figures[f"service_img_s_{count}"] = round(statistics.median(each.service_per_s for each in rounds), 1)
        figures[f"ratio_{count}"] = round(_ratio(rounds, ceilings[count]), 3)
        figures[f"limit_{count}"] = ceilings[count][0].limit
    everything = [each for rounds in rows.values() for each in rounds]
    return figures | {
        "lost": sum(each.lost for each in everything),
        "no_verdict": sum(each.no_verdict for each in everything),
    }


def _measure_service(
    options: argparse.Namespace, folder: Path, decoding: DecodingCores, cores: Cores
) -> dict[int, list[Round]]:
    """Measure the rounds of each number of processes."""
    counts = _split(options.processes) or [
        count for count in _PROCESSES if count == 1 or count * _MIN_CORES_PER_PROCESS <= len(cores.worker)
    ]
    # A worker compiles and measures each size before it is ready, so --quick also keeps its start short.
    max_batch = min(settings().max_batch_size, max(_split(options.batches)))
    return {
        count: measure_service(
            folder, decoding, cores, count, max_batch=max_batch, rounds=options.rounds, seconds=options.seconds
        )
        for count in counts
    }


def _ratio(rounds: Sequence[Round], ceilings: Sequence[Ceilings]) -> float:
    """Median over the rounds; each is compared with the decoding measured beside it."""
    return statistics.median(each.service_per_s / ceiling.total for each, ceiling in zip(rounds, ceilings, strict=True))


def _print_model(console: Console, agreement: dict[str, AgreementResult], batches: Sequence[BatchFigures]) -> None:
    table = Table("compared with", "images", "bands changed", "largest difference", title="Agreement")
    for name, result in agreement.items():
        table.add_row(name, str(result.pictures), str(result.band_changes), f"{result.max_difference:.2g}")
    console.print(table)
    table = Table("batch", "images/s", "known answers changed", "largest difference", title="The bare model")
    for figures in batches:
        agreed = figures.agreement
        table.add_row(
            str(figures.size), f"{figures.images_per_s:.1f}", str(agreed.band_changes), f"{agreed.max_difference:.2g}"
        )
    console.print(table)


def _print_service(
    console: Console,
    rows: dict[int, list[Round]],
    ceilings: dict[int, list[Ceilings]],
    all_cores_per_s: float,
) -> None:
    console.print(f"all cores decode {all_cores_per_s:.1f} images/s")
    table = Table("processes", "round", "decoding", "ceiling", "service", "ratio", "mean batch", title="The whole path")
    for count, rounds in rows.items():
        for number, (each, ceiling) in enumerate(zip(rounds, ceilings[count], strict=True), 1):
            rates = (f"{rate:.1f}" for rate in (each.decoding_per_s, ceiling.total, each.service_per_s))
            ratio = f"{each.service_per_s / ceiling.total:.3f}"
            table.add_row(str(count), str(number), *rates, ratio, f"{each.mean_batch:.1f}")
    console.print(table)


def _split(numbers: str) -> list[int]:
    return [int(number) for number in numbers.split(",") if number]


def _join(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


if __name__ == "__main__":
    main()
