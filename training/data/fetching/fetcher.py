"""A data set from its publisher into the folder of the data, checked at each step."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from training.data.fetching import checksum_lock
from training.data.fetching.archives import check_zip
from training.data.fetching.download import compute_digest, download
from training.data.fetching.remote_files import RemoteFile, list_remote_files
from training.data.fetching.unpacking import unpack_data_set

#: Folder, beside the data sets, of the files as they were fetched.
FETCHED_FOLDER: Final = "fetched"

#: Told the file's name, bytes that are there, and bytes that there will be where that is known.
Progress = Callable[[str, int, int | None], object]


def fetch_data_set(source: str, data: Path, progress: Progress, mirror: str | None = None, pause_s: float = 1) -> int:
    """Fetch a data set into `data`, unless it is there; returns how many pictures it has.

    Files that are there are checked and not fetched again. Raises `TrainingError` where one cannot be had, is not
    the one that it was or should be, or is broken.
    """
    folder = data / FETCHED_FOLDER / source
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for remote in list_remote_files(source, mirror):
        files[remote.name] = _fetch_file(remote, folder, progress, pause_s)
    return unpack_data_set(source, files, data)


def _fetch_file(remote: RemoteFile, folder: Path, progress: Progress, pause_s: float) -> Path:
    target = folder / remote.name
    wanted = checksum_lock.read_digest(folder, remote.name)
    if target.is_file() and wanted and compute_digest(target, "sha256") == wanted:
        size = target.stat().st_size
        progress(remote.name, size, size)
        return target

    def advance(done: int, whole: int | None) -> None:
        progress(remote.name, done, whole)

    found = download(remote.url, target, wanted or remote.digest, advance, pause_s)
    if target.suffix == ".zip":
        check_zip(target)
    checksum_lock.save_digest(folder, remote.name, found)
    return target
