"""Provenance and licence of an artefact."""

import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

import tensorflow as tf

from shared.model.artefact import DataSource
from training.data.records.labelled_image import LabelledImage, Split
from training.data.sources import (
    BCN,
    BCN_84,
    HAM10000,
    HAM_MORE,
    ISIC2017,
    ISIC_ARCHIVE,
    PAD_UFES_20,
    SIIM2020,
    PhoneImage,
    PhoneSubject,
)
from training.exporting.calibration_inputs.run_models import RunModel
from training.fitting.lineage import Lineage

_TITLES: Final = {
    ISIC2017: "ISIC 2017 challenge, part of it, with pictures of UDA-1",
    HAM10000: "HAM10000, one picture a lesion (Tschandl et al. 2018)",
    HAM_MORE: "HAM10000, further pictures (Tschandl et al. 2018)",
    BCN: "BCN20000, part of it (Combalia et al. 2019)",
    BCN_84: "BCN20000, part of it, at 84 pixels (Combalia et al. 2019)",
    SIIM2020: "SIIM-ISIC 2020, part of it, source inferred (Rotemberg et al. 2021)",
    ISIC_ARCHIVE: "ISIC archive, pictures by dermatoscopes",
    PAD_UFES_20: "PAD-UFES-20, phone pictures of lesions (Pacheco et al. 2020)",
}
#: What the licence of a source contains if it forbids commercial use.
_NON_COMMERCIAL: Final = ("NC", "non-commercial")
_USES: Final = {
    Split.TRAIN: "training",
    Split.VALID: "validation, calibration, bands and receipts",
    Split.TEST: "test",
}
_OUT_OF_FOLD: Final = "training; calibration, bands, receipts and figures by models that had not seen the picture"
_PHONE_TERMS: Final = {
    PhoneSubject.SKIN: ("PAD-UFES-20, plain skin cut from its pictures", "CC BY 4.0"),
    PhoneSubject.HAND: ("Sign language digits, hands", "Apache-2.0"),
    PhoneSubject.THING: ("ImageNet, a sample", "ImageNet terms, non-commercial research"),
}
_PACKAGES: Final = ("keras", "numpy", "scipy", "pillow")


def derive_licence(lineage: Lineage) -> str:
    """Derive the licence of weights from all sources that they or their ancestors have learned from."""
    restricted = [
        f"{_TITLES.get(entry.source, entry.source)} ({entry.licence})"
        for entry in lineage.seen
        if any(word in entry.licence for word in _NON_COMMERCIAL)
    ]
    if not restricted:
        return "With attribution of the data it was trained on. Not a medical device."
    return f"For non-commercial use only, with attribution: trained on {'; '.join(restricted)}. Not a medical device."


def list_data_sources(
    lineage: Lineage, images: Sequence[LabelledImage], phone: Sequence[PhoneImage]
) -> tuple[DataSource, ...]:
    """List the data that a model was trained, calibrated and measured on.

    Args:
        lineage: What the weights have learned from.
        images: Labelled images.
        phone: Images that the kind classifier was fitted to and measured on.
    """
    counts = Counter((image.source, image.licence, image.split) for image in images)
    labelled = [
        DataSource(
            name=_TITLES.get(source, source),
            licence=licence or "not stated",
            use=_USES[split] if source != PAD_UFES_20 else _OUT_OF_FOLD,
            pictures=count,
        )
        for (source, licence, split), count in sorted(counts.items())
    ]
    known = {(image.source, image.licence) for image in images}
    inherited = [
        DataSource(
            name=_TITLES.get(entry.source, entry.source),
            licence=entry.licence or "not stated",
            use="training of the model that this one started from, or of its teacher",
            pictures=entry.pictures,
        )
        for entry in lineage.seen
        if (entry.source, entry.licence) not in known
    ]
    weights = [
        DataSource(
            name=f"ImageNet, through the weights {origin.name}",
            licence="Apache-2.0 (weights)",
            use="pre-training",
            pictures=1_281_167,
        )
        for origin in lineage.origins
        if origin.role == "ImageNet weights"
    ]
    of_kinds = [
        DataSource(
            name=_PHONE_TERMS[subject][0],
            licence=_PHONE_TERMS[subject][1],
            use="telling kinds of pictures apart, half of them to measure that",
            pictures=count,
        )
        for subject, count in Counter(image.subject for image in phone).items()
    ]
    return (*weights, *labelled, *inherited, *of_kinds)


def collect_build_info(run: RunModel, folds: int) -> dict[str, str]:
    """Collect the versions and the recipe that are needed to make the artefact again."""
    info = {"python": platform.python_version()}
    # TensorFlow is installed under one of two names.
    info |= {"tensorflow": str(tf.__version__)} | {package: version(package) for package in _PACKAGES}
    return info | {
        "recipe": run.recipe.model_dump_json(),
        "epochs_done": str(run.epochs),
        "lineage": run.lineage.model_dump_json(),
        "models_of_folds": str(folds),
    }
