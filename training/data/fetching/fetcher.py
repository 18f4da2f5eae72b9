"""Fetches a data set from its publisher, checks its files and unpacks them."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from training.data.fetching import checksum_lock
from training.data.fetching.archives import check_zip
from training.data.fetching.download import compute_digest, download
from training.data.fetching.remote_files import RemoteFile, list_remote_files
from training.data.fetching.unpacking import unpack_data_set

#: Folder, beside the data sets, of the downloaded files.
FETCHED_FOLDER: Final = "fetched"

#: Called with the file's name, the bytes received and the total (None if not known).
Progress = Callable[[str, int, int | None], object]


def fetch_data_set(source: str, data: Path, progress: Progress, mirror: str | None = None, pause_s: float = 1) -> int:
    """Fetch a data set.

    A file that was fetched before is checked and not fetched again.

    Args:
        source: Name of the data set.
        data: Folder of all data sets.
        progress: Called while files are downloaded.
        mirror: Address that holds the files as `<mirror>/<source>/<name>`, in place of the publisher.
        pause_s: Pause before the next attempt after a lost connection.

    Returns:
        Number of images in the data set.

    Raises:
        TrainingError: If a file cannot be downloaded, is damaged, or differs from the expected or first fetched one.
    """
    folder = data / FETCHED_FOLDER / source
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        remote.name: _fetch_file(remote, folder, progress, pause_s) for remote in list_remote_files(source, mirror)
    }
    return unpack_data_set(source, files, data)


def _fetch_file(remote: RemoteFile, folder: Path, progress: Progress, pause_s: float) -> Path:
    target = folder / remote.name
    locked = checksum_lock.read_digest(folder, remote.name)
    if target.is_file() and locked and compute_digest(target, "sha256") == locked:
        size = target.stat().st_size
        progress(remote.name, size, size)
        return target

    def report(received: int, total: int | None) -> None:
        progress(remote.name, received, total)

    digest = download(remote.url, target, locked or remote.digest, report, pause_s)
    if target.suffix == ".zip":
        check_zip(target)
    checksum_lock.save_digest(folder, remote.name, digest)
    return target
