"""The appearance of a rendered lesion: the parameters of the lesion, the skin and the camera."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Device(StrEnum):
    """The device that the image imitates."""

    DERMATOSCOPE = "dermatoscope"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Appearance:
    """Parameters of a lesion, the skin around it, and the photograph."""

    device: Device = Device.DERMATOSCOPE
    #: Fitzpatrick skin type, 1 (I, very light) to 6 (VI, very dark).
    skin: int = 2
    #: Mean radius, as a share of the shorter side of the image.
    radius: float = 0.25
    #: Irregularity of the border, 0 (a smooth ellipse) to 1 (deep notches).
    irregularity: float = 0.2
    #: Softness of the border: 0.02 is sharp, 0.3 is a haze.
    softness: float = 0.08
    #: Amount of pigment: 0.3 is light brown, 1.5 almost black on light skin.
    pigment: float = 0.7
    #: Variation of the amount of pigment within the lesion, 0 to 1.
    variegation: float = 0.3
    #: Strength of the pigment network (a brown mesh), 0 to 1.
    network: float = 0.0
    #: Number of dots and globules.
    dots: int = 0
    #: Blood: 0 to 1 makes parts of the lesion red.
    redness: float = 0.0
    #: Strength of a blue-white veil over a part, 0 to 1.
    veil: float = 0.0
    #: Number of hairs across the image.
    hairs: int = 0
    #: Radius of the Gaussian blur, as a share of the shorter side.
    blur: float = 0.0
    #: Exposure: 1 is correct, 0.3 much too dark, 2 overexposed.
    exposure: float = 1.0
    #: The black corners of a dermatoscope's round field.
    round_field: bool = False


def random_appearance(rng: np.random.Generator) -> Appearance:
    """Draw an appearance; about a third are what a dermatologist would call suspicious."""
    suspicious = bool(rng.random() < 0.35)
    device = Device.DERMATOSCOPE if rng.random() < 0.6 else Device.PHONE
    return Appearance(
        device=device,
        skin=int(rng.integers(1, 7)),
        radius=float(rng.uniform(0.15, 0.36) if device is Device.DERMATOSCOPE else rng.uniform(0.07, 0.22)),
        irregularity=float(rng.uniform(0.5, 1.0) if suspicious else rng.uniform(0.0, 0.35)),
        softness=float(rng.uniform(0.03, 0.2)),
        pigment=float(rng.uniform(0.6, 1.5) if suspicious else rng.uniform(0.3, 0.9)),
        variegation=float(rng.uniform(0.5, 1.0) if suspicious else rng.uniform(0.1, 0.4)),
        network=float(rng.uniform(0.0, 1.0)),
        dots=int(rng.integers(0, 30)) if rng.random() < 0.4 else 0,
        redness=float(rng.uniform(0.2, 0.8)) if suspicious and rng.random() < 0.5 else 0.0,
        veil=float(rng.uniform(0.4, 0.9)) if suspicious and rng.random() < 0.5 else 0.0,
        hairs=int(rng.integers(3, 25)) if rng.random() < 0.35 else 0,
        blur=float(rng.uniform(0.002, 0.01)) if rng.random() < 0.1 else 0.0,
        exposure=float(rng.uniform(0.85, 1.1)),
        round_field=device is Device.DERMATOSCOPE and bool(rng.random() < 0.25),
    )
