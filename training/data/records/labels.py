"""The labels of the model, and the mapping of each data set's own diagnoses to them."""

from collections.abc import Mapping, Sequence
from typing import Final

from shared.model.artefact import Group, Label

#: In the order of the model's outputs.
LABELS: Final = (
    Label(name="mel", title="melanoma", group=Group.MALIGNANT, counts=True),
    Label(name="bcc", title="basal cell carcinoma", group=Group.MALIGNANT, counts=True),
    # PAD-UFES-20's SCC includes Bowen's disease, carcinoma in situ.
    Label(name="scc", title="squamous cell carcinoma", group=Group.MALIGNANT, counts=True),
    # HAM10000's akiec mixes actinic keratosis (pre-malignant) with Bowen's disease (carcinoma in situ) without saying
    # which is which. To be careful, it counts.
    Label(name="akiec", title="actinic keratosis or Bowen's disease", group=Group.PREMALIGNANT, counts=True),
    Label(name="bkl", title="benign keratosis", group=Group.BENIGN, counts=False),
    Label(name="nv", title="mole (melanocytic naevus)", group=Group.BENIGN, counts=False),
    Label(name="df", title="dermatofibroma", group=Group.BENIGN, counts=False),
    Label(name="vasc", title="vascular lesion", group=Group.BENIGN, counts=False),
)
LABEL_NAMES: Final = tuple(label.name for label in LABELS)
MELANOMA: Final = LABEL_NAMES.index("mel")
#: Outputs whose probabilities are summed to the probability that the service reports.
COUNTED: Final = tuple(index for index, label in enumerate(LABELS) if label.counts)
#: Outputs of the labels that are malignant beyond doubt.
MALIGNANT: Final = tuple(index for index, label in enumerate(LABELS) if label.group is Group.MALIGNANT)

_ISIC2017: Final[Mapping[str, str]] = {"melanoma": "mel", "seborrheic_keratosis": "bkl", "nevus": "nv"}


def map_isic2017_label(dx: str, label: str) -> int | None:
    """Map a row of the ISIC 2017 manifest to an index into `LABELS`.

    Args:
        dx: The diagnosis. Images of UDA-1 have none: a malignant one is a melanoma there, a benign one could have
            any of four labels.
        label: "malignant" or "benign".

    Returns:
        The index; None if the label is not known.

    Raises:
        KeyError: If ISIC 2017 has no such diagnosis or label, or if the two contradict each other.
    """
    if label not in ("malignant", "benign") or (dx in _ISIC2017 and (dx == "melanoma") != (label == "malignant")):
        raise KeyError(f"{dx}, {label}".removeprefix(", "))
    if dx:
        return LABEL_NAMES.index(_ISIC2017[dx])
    return MELANOMA if label == "malignant" else None


def map_ham10000_label(dx: str) -> int:
    """Map a diagnosis of HAM10000, which is the name of a label, to an index into `LABELS`.

    Raises:
        KeyError: If HAM10000 has no such diagnosis.
    """
    if dx not in LABEL_NAMES:
        raise KeyError(dx)
    return LABEL_NAMES.index(dx)


#: Diagnoses of the sources in `found/`, ISIC's abbreviations, with melanoma or not. Scars, metastases of a melanoma and
#: unknown lesions have no label.
_FOUND: Final[Mapping[tuple[str, str], str | None]] = {
    ("mel", "1"): "mel",
    ("mel_metastasis", "1"): None,
    **{(name, "0"): name for name in ("bcc", "scc", "akiec", "bkl", "nv", "df", "vasc")},
    ("sk", "0"): "bkl",
    ("lentigo", "0"): "bkl",
    ("scar", "0"): None,
    ("unknown", "0"): None,
}


def map_found_label(dx: str, melanoma: str, *, unknown_is_mole: bool) -> int | None:
    """Map a row of the manifest of `found/` to an index into `LABELS`.

    Args:
        dx: The diagnosis.
        melanoma: "1" or "0", which must agree with the diagnosis.
        unknown_is_mole: Label lesions moles that are said to be benign and no more.

    Returns:
        The index; None if the model has no label for the diagnosis, or if it is not known.

    Raises:
        KeyError: If the sources have no such diagnosis, or if the two columns contradict each other.
    """
    try:
        name = _FOUND[dx, melanoma]
    except KeyError:
        raise KeyError(f"{dx}, melanoma {melanoma}") from None
    if dx == "unknown" and unknown_is_mole:
        name = "nv"
    return None if name is None else LABEL_NAMES.index(name)


_PAD_UFES_20: Final[Mapping[str, str]] = {
    "BCC": "bcc",
    "MEL": "mel",
    "SCC": "scc",
    "ACK": "akiec",
    "NEV": "nv",
    "SEK": "bkl",
}


def map_pad_ufes_20_label(diagnosis: str) -> int:
    """Map a diagnosis of PAD-UFES-20 to an index into `LABELS`. Raises `KeyError` if it has no such diagnosis."""
    return LABEL_NAMES.index(_PAD_UFES_20[diagnosis])


#: Beginnings of the ISIC archive's diagnoses, in lower case.
_ISIC_ARCHIVE: Final[Mapping[str, str]] = {
    "melanoma": "mel",
    "basal cell carcinoma": "bcc",
    # The archive files keratoacanthoma and carcinoma in situ (Bowen's disease) under it.
    "squamous cell carcinoma": "scc",
    "keratoacanthoma": "scc",
    "solar or actinic keratosis": "akiec",
    "actinic keratosis": "akiec",
    "seborrheic keratosis": "bkl",
    "pigmented benign keratosis": "bkl",
    "solar lentigo": "bkl",
    "lichen planus like keratosis": "bkl",
    "lichenoid keratosis": "bkl",
    "nevus": "nv",
    "dermatofibroma": "df",
    "vascular lesion": "vasc",
    "angioma": "vasc",
    "hemangioma": "vasc",
    "angiokeratoma": "vasc",
    "pyogenic granuloma": "vasc",
    "benign soft tissue proliferations - vascular": "vasc",
}


def map_isic_archive_label(diagnoses: Sequence[str]) -> int | None:
    """Map the diagnoses of one image of the ISIC archive to an index into `LABELS`.

    Args:
        diagnoses: Diagnoses of the image, the most specific one first. The first that maps to a label decides.

    Returns:
        The index; None if no diagnosis maps to a label. The model has no label for many of the archive's diagnoses.
    """
    for diagnosis in diagnoses:
        for beginning, name in _ISIC_ARCHIVE.items():
            if diagnosis.lower().startswith(beginning):
                return LABEL_NAMES.index(name)
    return None
