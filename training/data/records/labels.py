"""The labels of the model, and what the data sets' own words mean in them. The one place for both."""

from collections.abc import Mapping, Sequence
from typing import Final

from shared.model.artefact import Group, Label

#: In the order of the model's outputs.
LABELS: Final = (
    Label(name="mel", title="melanoma", group=Group.MALIGNANT, counts=True),
    Label(name="bcc", title="basal cell carcinoma", group=Group.MALIGNANT, counts=True),
    # PAD-UFES-20's SCC includes Bowen's disease, carcinoma in situ.
    Label(name="scc", title="squamous cell carcinoma", group=Group.MALIGNANT, counts=True),
    # HAM10000's akiec mixes actinic keratosis (pre-malignant) with Bowen's disease (carcinoma in situ) and
    # does not say which is which, so it counts: the careful side.
    Label(name="akiec", title="actinic keratosis or Bowen's disease", group=Group.PREMALIGNANT, counts=True),
    Label(name="bkl", title="benign keratosis", group=Group.BENIGN, counts=False),
    Label(name="nv", title="mole (melanocytic naevus)", group=Group.BENIGN, counts=False),
    Label(name="df", title="dermatofibroma", group=Group.BENIGN, counts=False),
    Label(name="vasc", title="vascular lesion", group=Group.BENIGN, counts=False),
)
LABEL_NAMES: Final = tuple(label.name for label in LABELS)
MELANOMA: Final = LABEL_NAMES.index("mel")
#: Outputs whose probabilities are summed to the one that a person is told.
COUNTED: Final = tuple(index for index, label in enumerate(LABELS) if label.counts)
#: Outputs of what is malignant beyond doubt.
MALIGNANT: Final = tuple(index for index, label in enumerate(LABELS) if label.group is Group.MALIGNANT)

_ISIC2017: Final[Mapping[str, str]] = {"melanoma": "mel", "seborrheic_keratosis": "bkl", "nevus": "nv"}


def map_isic2017_label(dx: str, label: str) -> int | None:
    """Output index for a row of the ISIC 2017 manifest, from its `dx` and `label` columns.

    Pictures of UDA-1 carry no diagnosis: a malignant one is a melanoma there, a benign one could be any of
    four labels and yields None. Raises `KeyError` for a diagnosis that ISIC 2017 does not have.
    """
    if dx:
        return LABEL_NAMES.index(_ISIC2017[dx])
    return MELANOMA if label == "malignant" else None


def map_ham10000_label(dx: str) -> int:
    """Output index for a row of the HAM10000 manifest: its words are the labels' names.

    Raises `KeyError` for a word that HAM10000 does not have.
    """
    if dx not in LABEL_NAMES:
        raise KeyError(dx)
    return LABEL_NAMES.index(dx)


_PAD_UFES_20: Final[Mapping[str, str]] = {
    "BCC": "bcc",
    "MEL": "mel",
    "SCC": "scc",
    "ACK": "akiec",
    "NEV": "nv",
    "SEK": "bkl",
}


def map_pad_ufes_20_label(diagnosis: str) -> int:
    """Output index for a row of the PAD-UFES-20 manifest. Raises `KeyError` for a diagnosis that it does not have."""
    return LABEL_NAMES.index(_PAD_UFES_20[diagnosis])


#: How the ISIC archive's words for a diagnosis begin, in small letters.
_ISIC_ARCHIVE: Final[Mapping[str, str]] = {
    "melanoma": "mel",
    "basal cell carcinoma": "bcc",
    # In situ, which is Bowen's disease, and keratoacanthoma are filed under it.
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
    """Output index for a row of the ISIC archive, from its words for the diagnosis, the most special one first.

    None where none of them means a label: the archive has many diagnoses that no label of the model stands for.
    """
    for word in diagnoses:
        for beginning, name in _ISIC_ARCHIVE.items():
            if word.lower().startswith(beginning):
                return LABEL_NAMES.index(name)
    return None
