"""The steps of docs/training.md, from a mirror of the published archives to a measured artefact, by their commands."""

from pathlib import Path

import numpy as np
import pytest
from click import Command
from click.testing import CliRunner

from shared.model.artefact import read_artefact
from tests.training.data.fetching.file_server import serve_files
from tests.training.data.fetching.test_fetching import make_zip
from tests.training.model.small_model import make_imagenet_archive
from tests.training.synthetic_data import HAM10000, ISIC2017, PAD_UFES_20, write_image
from training.cli import main as train
from training.data.cli import cli as data_command
from training.data.records.csv_table import read_rows
from training.evaluation.cli import main as evaluate
from training.evaluation.result import read_evaluation
from training.exporting.cli import main as export
from training.model.architecture import LITE0

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def make_mirror(folder: Path) -> dict[str, bytes]:
    """Archives of synthetic pictures, as the publishers pack them."""

    def draw(seed: int, *, dark: bool, background: tuple[int, int, int] = (220, 170, 150)) -> bytes:
        write_image(folder / "one.jpg", seed, dark, background)
        return (folder / "one.jpg").read_bytes()

    isic: dict[str, dict[str, bytes]] = {"train": {}, "valid": {}, "test": {}}
    for number, (split, label, dx) in enumerate(ISIC2017):
        if split in isic and dx:
            isic[split][f"{split}/{dx}/ISIC_{number:07}.jpg"] = draw(number, dark=label == "malignant")
    ham = {f"ISIC_1{number:06}.jpg": draw(1000 + number, dark=dx == "mel") for number, dx in enumerate(HAM10000)}
    lesions = "\n".join(
        ["lesion_id,image_id,dx,dx_type,age,sex,localization"]
        + [f"HAM_{number:07},ISIC_1{number:06},{dx},histo,50,male,back" for number, dx in enumerate(HAM10000)]
    )
    rows, pad = ["patient_id,lesion_id,img_id,diagnostic,fitspatrick,age,gender"], {}
    for number, diagnosis in enumerate(PAD_UFES_20 * 6):
        name = f"PAT_{number}_1_{number}.png"
        pad[f"imgs_part_1/{name}"] = draw(2000 + number, dark=diagnosis == "MEL", background=(120, 60, 60))
        rows.append(f"PAT_{number},1,{name},{diagnosis},2.0,61,MALE")
    hands = {
        f"master/Dataset/{number % 10}/IMG_{1100 + 7 * number}.JPG": draw(
            3000 + number, dark=False, background=(60, 200, 90)
        )
        for number in range(40)
    }
    return {
        **{f"/isic2017/{part}.zip": make_zip(pictures) for part, pictures in isic.items()},
        "/ham10000/HAM10000_images_part_1.zip": make_zip(dict(list(ham.items())[:16])),
        "/ham10000/HAM10000_images_part_2.zip": make_zip(dict(list(ham.items())[16:])),
        "/ham10000/HAM10000_metadata.csv": lesions.encode(),
        "/pad_ufes_20/pad_ufes_20.zip": make_zip(
            {"a/imgs_part_1.zip": make_zip(pad), "a/metadata.csv": "\n".join(rows).encode()}
        ),
        "/sign_digits_hands/sign_digits_hands.zip": make_zip(hands),
    }


def run(command: Command, *arguments: object) -> str:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("eager")
def test_an_outsider_gets_from_the_mirror_to_a_measured_artefact(tmp_path: Path) -> None:
    archive, recipe, built = tmp_path / "lite0.npz", tmp_path / "small.toml", tmp_path / "built"
    np.savez(archive, **make_imagenet_archive(LITE0, 1))  # type: ignore[arg-type]
    recipe.write_text("sizes = [64]\nphone_share = 0.25\nepochs = 1\npictures = 32\n")
    with serve_files(make_mirror(tmp_path)) as server:
        run(data_command, "fetch", tmp_path / "data", "--mirror", server.url)
    run(data_command, "build", tmp_path / "data", "--out", built)
    folds = sorted({row["fold"] for row in read_rows(built / "manifest.csv", ("fold",)) if row["fold"]})
    common = [recipe, "--data", built, "--start", archive, "--cache", tmp_path / "pixels", "--run"]
    run(train, *common, tmp_path / "run")
    for fold in folds:
        run(train, *common, tmp_path / "run" / f"fold-{fold}", "--fold", fold)
    out = tmp_path / "new"
    run(export, tmp_path / "run", "--data", built, "--out", out, "--version", 1, "--half", "--views", 2)
    assert read_artefact(out).made_with["views"] == "2"
    run(
        evaluate, out, "--data", built, "--out", tmp_path / "report", "--stress", 2, "--pointing", 0, "--test", "--card"
    )
    evaluation = read_evaluation(out)
    assert {result.name for result in evaluation.sets} == {
        "dermatoscope_held_out",
        "dermatoscope_test",
        "phone_out_of_fold",
    }
    assert evaluation.unmeasured == ()
    assert "new@1" in (out / "CARD.md").read_text(encoding="utf-8")
