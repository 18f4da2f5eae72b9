"""Rendered images: the same for the same seed, and accepted by the service."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from samples.appearance import Appearance, Device, random_appearance
from samples.demo import render_samples
from samples.image_set import render_many
from samples.lesions import render_lesion
from samples.scenes import SCENES
from shared.contract.decision import Advice
from shared.images.decode import decode
from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec

RULES = PreprocessingSpec(size=224, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return render_samples(tmp_path_factory.mktemp("demo") / "new" / "folder")


def test_demo_set_has_all_formats_and_scenes(demo: list[Path]) -> None:
    assert len(demo) == len(set(demo)) == 24
    assert all(path.is_file() for path in demo)
    suffixes = [path.suffix for path in demo]
    assert {suffix: suffixes.count(suffix) for suffix in set(suffixes)} == {
        ".jpg": 21,
        ".png": 1,
        ".webp": 1,
        ".heic": 1,
    }
    for scene in SCENES:
        assert any(scene in path.name for path in demo)


def test_service_decodes_the_demo_set_with_the_expected_advice(demo: list[Path]) -> None:
    advice = {path.name[3:].split(".")[0]: decode(path.read_bytes(), RULES).advice for path in demo}
    assert advice["phone-blurred"] == (Advice.BLURRED,)
    assert Advice.DARK in advice["phone-dark-picture"]
    assert Advice.BRIGHT in advice["phone-burnt-out"]
    assert advice["irregular-dark-skin-hair"] == ()


def test_one_image_has_an_exif_orientation(demo: list[Path]) -> None:
    sideways = []
    for path in demo:
        if path.suffix == ".jpg":
            with Image.open(path) as image:
                if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
                    sideways.append(image.size)
    assert sideways == [(1200, 1600)]


def test_image_depends_only_on_seed_and_index(tmp_path: Path) -> None:
    few, more, other = (
        render_samples(tmp_path / name, count=count, seed=seed)
        for name, count, seed in (("few", 2, 1), ("more", 3, 1), ("other", 1, 2))
    )
    assert [path.read_bytes() for path in few] == [path.read_bytes() for path in more[:2]]
    assert few[0].read_bytes() != other[0].read_bytes()


def test_images_beyond_the_named_ones_are_random_lesions(tmp_path: Path) -> None:
    assert render_samples(tmp_path, count=0) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("samples.demo._LESIONS", ())
        patch.setattr("samples.demo.SCENES", {})
        assert render_samples(tmp_path, count=1)[0].name == "01-lesion.jpg"


@pytest.mark.parametrize("size", [(1, 1), (5, 90), (64, 48), (640, 480)])
def test_lesion_renders_in_any_size(size: tuple[int, int]) -> None:
    image = render_lesion(np.random.default_rng(1), *size)
    assert image.size == size
    assert image.mode == "RGB"


def test_random_appearances_differ() -> None:
    rng = np.random.default_rng(1)
    appearances = [random_appearance(rng) for _ in range(60)]
    assert {appearance.skin for appearance in appearances} == {1, 2, 3, 4, 5, 6}
    assert {appearance.device for appearance in appearances} == set(Device)
    assert len({appearance.irregularity for appearance in appearances}) == 60


def luma(appearance: Appearance) -> np.ndarray:
    return np.asarray(render_lesion(np.random.default_rng(3), 320, 240, appearance).convert("L")).astype(float)


def test_appearance_changes_the_image() -> None:
    plain = luma(Appearance())
    assert luma(Appearance(skin=6)).mean() < 0.6 * plain.mean()
    assert luma(Appearance(pigment=1.5))[100:140, 140:180].mean() < 0.8 * plain[100:140, 140:180].mean()
    assert luma(Appearance(hairs=40)).mean() < plain.mean()
    assert np.abs(np.diff(luma(Appearance(blur=0.02)))).mean() < 1.05 * np.abs(np.diff(plain)).mean()
    assert luma(Appearance(round_field=True))[:5, :5].max() < 30


def test_render_many_gives_different_images_of_similar_size(tmp_path: Path) -> None:
    paths = render_many(tmp_path, 6)
    contents = [path.read_bytes() for path in paths]
    assert len(set(contents)) == 6
    for content in contents:
        assert 100_000 < len(content) < 200_000
        image = decode(content, RULES)
        assert (image.width, image.height) == (1024, 768)
    again = render_many(tmp_path / "again", 6)
    assert [path.read_bytes() for path in again] == contents


def test_command_renders_images(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "samples", str(tmp_path / "out"), "--count", "3", "--many"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "3 images" in done.stdout
    assert len(list((tmp_path / "out").iterdir())) == 3
