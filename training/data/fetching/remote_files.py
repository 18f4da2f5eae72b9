"""Which files each data set is published as, and where."""

from dataclasses import dataclass
from typing import Final

import requests

from training.data.sources import HAM10000, ISIC2017, PAD_UFES_20
from training.errors import TrainingError

#: As given out by the dermatologist-ai project of Udacity.
_ISIC2017: Final = "https://s3-us-west-1.amazonaws.com/udacity-dlnfd/datasets/skin-cancer"
#: All files of PAD-UFES-20, version 1, in one archive, as Mendeley Data offers it.
_PAD_UFES_20: Final = "https://prod-dcd-datasets-cache-zipfiles.s3.eu-west-1.amazonaws.com/zr7vgbcyr2-1.zip"
_DATAVERSE: Final = "https://dataverse.harvard.edu"
_HAM10000: Final = "doi:10.7910/DVN/DBW86T"
_HAM10000_FILES: Final = ("HAM10000_images_part_1.zip", "HAM10000_images_part_2.zip", "HAM10000_metadata.csv")
_TIMEOUT_S: Final = 60


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch; `digest` is "md5:..." or "sha256:..." where its publisher says what it must be."""

    name: str
    url: str
    digest: str = ""


def list_remote_files(source: str, mirror: str | None = None) -> list[RemoteFile]:
    """Files of a data set. A `mirror` has them as `<mirror>/<data set>/<name>`.

    Raises `TrainingError` where the publisher's list cannot be had.
    """
    if source == HAM10000 and mirror is None:
        return list_dataverse_files(_DATAVERSE, _HAM10000, _HAM10000_FILES)
    names = {
        ISIC2017: [(f"{part}.zip", f"{_ISIC2017}/{part}.zip") for part in ("train", "valid", "test")],
        HAM10000: [(name, "") for name in _HAM10000_FILES],
        PAD_UFES_20: [("pad_ufes_20.zip", _PAD_UFES_20)],
    }[source]
    return [RemoteFile(name, url if mirror is None else f"{mirror.rstrip('/')}/{source}/{name}") for name, url in names]


def list_dataverse_files(server: str, dataset: str, names: tuple[str, ...]) -> list[RemoteFile]:
    """Files of a Dataverse dataset with the digests that it states, in the order of `names`.

    By the native API (guides.dataverse.org, "Get JSON Representation of a Dataset"). Tables are kept there as
    `.tab`, and given out as they came with `format=original`. Raises `TrainingError` where a file is not listed.
    """
    try:
        answer = requests.get(
            f"{server}/api/datasets/:persistentId/", params={"persistentId": dataset}, timeout=_TIMEOUT_S
        )
        answer.raise_for_status()
        listed = {
            file["dataFile"].get("originalFileName") or file["label"]: file["dataFile"]
            for file in answer.json()["data"]["latestVersion"]["files"]
        }
    except (requests.RequestException, KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{server} does not say which files {dataset} has ({error}): try again later.") from error
    # The metadata's name has had several endings.
    found = {
        name: next((file for label, file in listed.items() if _stem(label) == _stem(name)), None) for name in names
    }
    absent = [name for name, file in found.items() if file is None]
    if absent:
        raise TrainingError(f"{dataset} at {server} has no file {absent[0]} any more.")
    return [_make_remote_file(server, name, file) for name, file in found.items() if file is not None]


def _stem(name: str) -> str:
    return name if name.endswith(".zip") else name.rpartition(".")[0] or name


def _make_remote_file(server: str, name: str, file: dict[str, object]) -> RemoteFile:
    url = f"{server}/api/access/datafile/{file['id']}"
    if "originalFileFormat" in file:
        # The stated digest is that of the `.tab`.
        return RemoteFile(name, f"{url}?format=original")
    return RemoteFile(name, url, f"md5:{file['md5']}" if "md5" in file else "")
