"""Small synthetic data sets of noise and spots, in the layout that `training.data.sources` reads."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

#: (split, label, dx) of the ISIC 2017 images.
ISIC2017 = [
    *[("train", "malignant", "melanoma")] * 4,
    *[("train", "benign", "nevus")] * 6,
    *[("train", "benign", "seborrheic_keratosis")] * 3,
    *[("train_extra_uda1", "malignant", "")] * 1,
    *[("train_extra_uda1", "benign", "")] * 2,
    *[("valid", "malignant", "melanoma")] * 4,
    *[("valid", "benign", "nevus")] * 6,
    *[("test", "malignant", "melanoma")] * 3,
    *[("test", "benign", "nevus")] * 5,
]
HAM10000 = ["mel", "bcc", "akiec", "bkl", "nv", "nv", "df", "vasc"] * 4

#: Diagnoses of the phone images of lesions.
PAD_UFES_20 = ["BCC", "NEV", "ACK", "SCC", "SEK", "MEL"]
#: Sources of the phone images.
PHONE = ["pad_ufes_20", "imagenet_sample", "sign_digits_hands", "pad_skin_patch"]

#: Background colour of the dermatoscope images.
_SKIN = (220, 170, 150)
#: Background colours of the phone images by source: they make the kinds of images easy to tell apart.
_BACKGROUNDS = {
    "pad_ufes_20": (120, 60, 60),
    "imagenet_sample": (40, 90, 200),
    "sign_digits_hands": (60, 200, 90),
    "pad_skin_patch": (40, 40, 220),
}


def write_image(path: Path, seed: int, dark: bool, background: tuple[int, int, int] = _SKIN) -> None:
    """Write a JPEG of 96x72 pixels: a black or brown spot on the background."""
    rng = np.random.default_rng(seed)
    pixels = np.full((72, 96, 3), background, np.float64) + rng.normal(0, 8, (72, 96, 3))
    y, x = np.mgrid[:72, :96]
    spot = (y - 36) ** 2 + (x - 48) ** 2 < rng.uniform(15, 30) ** 2
    pixels[spot] = np.array((30, 20, 20) if dark else (140, 90, 60)) + rng.normal(0, 20, (spot.sum(), 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90)


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """Write a table of these rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)


def add_isic2017(data: Path, split: str, label: str, dx: str, file: str, image: Image.Image) -> Path:
    """Add an image to ISIC 2017, encoded again, and return its path."""
    path = data / "isic2017" / split / label / file
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=80)
    with (data / "isic2017" / "manifest.csv").open("a", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerow([split, label, dx, file, "planted"])
    return path


def write_data_sets(folder: Path) -> Path:
    """Write all data sets into `folder` and return it."""
    rows = []
    for number, (split, label, dx) in enumerate(ISIC2017):
        name = f"ISIC_{number:07}.jpg"
        write_image(folder / "isic2017" / split / label / name, number, dark=label == "malignant")
        rows.append({"split": split, "label": label, "dx": dx, "file": name, "source": "synthetic"})
    write_rows(folder / "isic2017" / "manifest.csv", rows)
    rows = []
    for number, dx in enumerate(HAM10000):
        name = f"{dx}/HAM_{number}.jpg"
        write_image(folder / "ham10000" / name, 1000 + number, dark=dx == "mel")
        rows.append({"file": name, "dx": dx, "lesion_id": f"HAM_{number:07}"})
    write_rows(folder / "ham10000" / "manifest.csv", rows)
    rows = []
    for number, source in enumerate(PHONE * 6):
        write_image(folder / "phone" / f"{number}.jpg", 2000 + number, dark=False, background=_BACKGROUNDS[source])
        rows.append({"file": f"{number}.jpg", "source": source, "group_id": f"owner{number}"})
        if source == "pad_ufes_20":
            rows[-1] |= {"diagnosis": PAD_UFES_20[number // 4], "fold": str(number // 4 % 2)}
    write_rows(folder / "phone" / "manifest.csv", rows)
    return folder
