"""Pictures of our own making: the same for the same seed, and fit for the service."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from samples.demo import render_samples
from samples.lesions import render_lesion
from samples.look import Device, Look, random_look
from samples.many import render_many
from samples.scenes import SCENES
from shared.contract.decision import Advice
from shared.images.decode import decode
from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec

RULES = PreprocessingSpec(size=224, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return render_samples(tmp_path_factory.mktemp("demo") / "new" / "folder")


def test_the_demo_set_has_all_kinds(demo: list[Path]) -> None:
    assert len(demo) == len(set(demo)) == 24
    assert all(path.is_file() for path in demo)
    endings = [path.suffix for path in demo]
    assert {ending: endings.count(ending) for ending in set(endings)} == {
        ".jpg": 21,
        ".png": 1,
        ".webp": 1,
        ".heic": 1,
    }
    for scene in SCENES:
        assert any(scene in path.name for path in demo)


def test_the_service_reads_each_of_them(demo: list[Path]) -> None:
    advice = {path.name[3:].split(".")[0]: decode(path.read_bytes(), RULES).advice for path in demo}
    assert advice["phone-blurred"] == (Advice.BLURRED,)
    assert Advice.DARK in advice["phone-dark-picture"]
    assert Advice.BRIGHT in advice["phone-burnt-out"]
    assert advice["irregular-dark-skin-hair"] == ()


def test_one_lies_on_its_side(demo: list[Path]) -> None:
    sideways = []
    for path in demo:
        if path.suffix == ".jpg":
            with Image.open(path) as image:
                if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
                    sideways.append(image.size)
    assert sideways == [(1200, 1600)]


def test_a_picture_depends_on_the_seed_alone(tmp_path: Path) -> None:
    few, more, other = (
        render_samples(tmp_path / name, count=count, seed=seed)
        for name, count, seed in (("few", 2, 1), ("more", 3, 1), ("other", 1, 2))
    )
    assert [path.read_bytes() for path in few] == [path.read_bytes() for path in more[:2]]
    assert few[0].read_bytes() != other[0].read_bytes()


def test_more_than_the_named_ones(tmp_path: Path) -> None:
    assert render_samples(tmp_path, count=0) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("samples.demo._LESIONS", ())
        patch.setattr("samples.demo.SCENES", {})
        assert render_samples(tmp_path, count=1)[0].name == "01-lesion.jpg"


@pytest.mark.parametrize("size", [(1, 1), (5, 90), (64, 48), (640, 480)])
def test_any_size(size: tuple[int, int]) -> None:
    image = render_lesion(np.random.default_rng(1), *size)
    assert image.size == size
    assert image.mode == "RGB"


def test_random_looks_differ() -> None:
    rng = np.random.default_rng(1)
    looks = [random_look(rng) for _ in range(60)]
    assert {look.skin for look in looks} == {1, 2, 3, 4, 5, 6}
    assert {look.device for look in looks} == set(Device)
    assert len({look.irregularity for look in looks}) == 60


def luma(look: Look) -> np.ndarray:
    return np.asarray(render_lesion(np.random.default_rng(3), 320, 240, look).convert("L")).astype(float)


def test_looks_look_like_it() -> None:
    plain = luma(Look())
    assert luma(Look(skin=6)).mean() < 0.6 * plain.mean()
    assert luma(Look(pigment=1.5))[100:140, 140:180].mean() < 0.8 * plain[100:140, 140:180].mean()
    assert luma(Look(hairs=40)).mean() < plain.mean()
    assert np.abs(np.diff(luma(Look(blur=0.02)))).mean() < 1.05 * np.abs(np.diff(plain)).mean()
    assert luma(Look(round_field=True))[:5, :5].max() < 30


def test_many_are_alike_in_size_and_each_is_another(tmp_path: Path) -> None:
    paths = render_many(tmp_path, 20)
    contents = [path.read_bytes() for path in paths]
    assert len(set(contents)) == 20
    for content in contents:
        assert 100_000 < len(content) < 200_000
        found = decode(content, RULES)
        assert (found.width, found.height) == (1024, 768)
    again = render_many(tmp_path / "again", 20)
    assert [path.read_bytes() for path in again] == contents


def test_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "samples", str(tmp_path / "out"), "--count", "3", "--many"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "3 pictures" in done.stdout
    assert len(list((tmp_path / "out").iterdir())) == 3
