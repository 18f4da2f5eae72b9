"""Lists the published files of each data set."""

from dataclasses import dataclass
from typing import Final

import requests

from training.data.sources import HAM10000, ISIC2017, PAD_UFES_20, SIGN_DIGITS_HANDS
from training.errors import TrainingError

#: As published by Udacity's project dermatologist-ai.
_ISIC2017: Final = "https://s3-us-west-1.amazonaws.com/udacity-dlnfd/datasets/skin-cancer"
#: All files of PAD-UFES-20, version 1, in one archive, as Mendeley Data publishes it.
_PAD_UFES_20: Final = "https://prod-dcd-datasets-cache-zipfiles.s3.eu-west-1.amazonaws.com/zr7vgbcyr2-1.zip"
#: Photographs of students' hands, Apache-2.0: the repository as GitHub packs it.
_SIGN_DIGITS_HANDS: Final = "https://github.com/ardamavi/Sign-Language-Digits-Dataset/archive/refs/heads/master.zip"
_DATAVERSE: Final = "https://dataverse.harvard.edu"
_HAM10000: Final = "doi:10.7910/DVN/DBW86T"
_HAM10000_FILES: Final = ("HAM10000_images_part_1.zip", "HAM10000_images_part_2.zip", "HAM10000_metadata.csv")
_TIMEOUT_S: Final = 60


@dataclass(frozen=True)
class RemoteFile:
    """A published file. `digest` is "md5:..." or "sha256:..."; empty if the publisher states none."""

    name: str
    url: str
    digest: str = ""


def list_remote_files(source: str, mirror: str | None = None) -> list[RemoteFile]:
    """List the files of a data set.

    Args:
        source: Name of the data set.
        mirror: Address that holds the files as `<mirror>/<source>/<name>`, in place of the publisher.

    Raises:
        TrainingError: If the publisher's list cannot be read.
    """
    if source == HAM10000 and mirror is None:
        return list_dataverse_files(_DATAVERSE, _HAM10000, _HAM10000_FILES)
    names = {
        ISIC2017: [(f"{part}.zip", f"{_ISIC2017}/{part}.zip") for part in ("train", "valid", "test")],
        HAM10000: [(name, "") for name in _HAM10000_FILES],
        PAD_UFES_20: [("pad_ufes_20.zip", _PAD_UFES_20)],
        SIGN_DIGITS_HANDS: [("sign_digits_hands.zip", _SIGN_DIGITS_HANDS)],
    }[source]
    return [RemoteFile(name, url if mirror is None else f"{mirror.rstrip('/')}/{source}/{name}") for name, url in names]


def list_dataverse_files(server: str, dataset: str, names: tuple[str, ...]) -> list[RemoteFile]:
    """List files of a Dataverse dataset by the native API.

    The API is described at guides.dataverse.org, "Get JSON Representation of a Dataset". Dataverse stores tables as
    `.tab` and returns them as they were uploaded with `format=original`.

    Args:
        server: Address of the Dataverse.
        dataset: Persistent id of the dataset.
        names: Names of the files as they were uploaded.

    Returns:
        The files with the digests that Dataverse states, in the order of `names`.

    Raises:
        TrainingError: If the list cannot be read or lacks a file.
    """
    try:
        response = requests.get(
            f"{server}/api/datasets/:persistentId/", params={"persistentId": dataset}, timeout=_TIMEOUT_S
        )
        response.raise_for_status()
        listed = {
            file["dataFile"].get("originalFileName") or file["label"]: file["dataFile"]
            for file in response.json()["data"]["latestVersion"]["files"]
        }
    except (requests.RequestException, KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{server} does not say which files {dataset} has ({error}): try again later.") from error
    # The suffix of the metadata's name has changed several times.
    by_stem = {_stem(label): file for label, file in reversed(listed.items())}
    for name in names:
        if _stem(name) not in by_stem:
            raise TrainingError(f"{dataset} at {server} has no file {name} any more.")
    return [_make_remote_file(server, name, by_stem[_stem(name)]) for name in names]


def _stem(name: str) -> str:
    return name if name.endswith(".zip") else name.rpartition(".")[0] or name


def _make_remote_file(server: str, name: str, file: dict[str, object]) -> RemoteFile:
    url = f"{server}/api/access/datafile/{file['id']}"
    if "originalFileFormat" in file:
        # The stated digest is that of the `.tab`.
        return RemoteFile(name, f"{url}?format=original")
    return RemoteFile(name, url, f"md5:{file['md5']}" if "md5" in file else "")
