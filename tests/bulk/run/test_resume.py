"""Tests of resuming: which pictures are classified again, and that no verdict goes to another picture."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from bulk.inputs.formats import image_of
from bulk.inputs.read_problem import ReadProblem
from bulk.results.results_file import ResultsDamaged, read_results
from bulk.run.journal import SubmissionJournal, read_journal
from bulk.run.manifest import RunManifest
from bulk.run.output_directory import OutputDirectoryError, open_run
from bulk.submission.image_batch import ImageBatch, SubmittedImage
from shared.contract.decision import FailureReason
from shared.contract.run_files import JOURNAL, MANIFEST, REPLACED, RESULTS
from tests.bulk.conftest import DropPrivileges
from tests.bulk.fake_worker import FAIL, FakeWorker, decision
from tests.bulk.run.harness import Run


@pytest.fixture
def run(redis_url: str, tmp_path: Path) -> Run:
    (tmp_path / "folder").mkdir()
    return Run(redis_url, tmp_path / "folder", tmp_path / "out")


def replaced(run: Run) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run.out / REPLACED).read_text().splitlines()]


def test_a_row_names_the_bytes_that_were_judged(run: Run) -> None:
    (run.folder / "a.jpg").write_bytes(b"first")
    version = run.start()["a.jpg"].version
    assert (version.size, version.sha256) == (5, hashlib.sha256(b"first").hexdigest())


def test_a_replaced_file_is_a_new_picture(run: Run) -> None:
    for name in ("a.jpg", "b.jpg"):
        (run.folder / name).write_bytes(b"first")
    run.start()
    (run.folder / "other").write_bytes(b"other")  # the same size
    os.utime(run.folder / "other", ns=(0, 0))  # and older than the result
    (run.folder / "other").rename(run.folder / "a.jpg")
    rows = run.start()
    assert rows["a.jpg"].decision == decision(b"other")
    assert rows["a.jpg"].version.sha256 == hashlib.sha256(b"other").hexdigest()
    assert rows["b.jpg"].decision == decision(b"first")
    assert [row["file"] for row in replaced(run)] == ["a.jpg"]
    assert (run.stats.set_aside, run.stats.resumed, run.stats.done) == (1, 1, 2)


def test_a_file_whose_bytes_are_the_same_is_not_classified_again(run: Run) -> None:
    (run.folder / "a.jpg").write_bytes(b"first")
    run.start()
    (run.folder / "a.jpg").write_bytes(b"first")
    os.utime(run.folder / "a.jpg", (1, 1))
    run.start()
    assert run.decided == {b"first": 1}


def test_a_picture_that_goes_back_to_its_former_bytes_is_judged_by_them(run: Run) -> None:
    for data in (b"first", FAIL, b"first", FAIL):
        (run.folder / "a.jpg").write_bytes(data)
        assert run.start()["a.jpg"].decision == decision(data)


def test_failures_are_submitted_again_with_retry_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (run.folder / "a.jpg").write_bytes(FAIL)
    (run.folder / "b.jpg").write_bytes(b"good")
    assert run.start()["a.jpg"].reason is FailureReason.PREDICT_FAILED
    run.start()
    assert run.decided[FAIL] == 1
    monkeypatch.setattr("tests.bulk.fake_worker.FAIL", b"nothing fails now")
    rows = run.start(retry=True)
    assert rows["a.jpg"].verdict
    assert (run.decided[FAIL], run.decided[b"good"]) == (2, 1)
    assert [row["kind"] for row in replaced(run)] == ["failure"]


def test_a_file_that_can_be_read_now_is_classified(
    redis_url: str, open_folder: Path, drop_privileges: DropPrivileges
) -> None:
    folder = open_folder / "in"
    for path in (folder, open_folder / "out"):
        path.mkdir()
        path.chmod(0o777)
    run = Run(redis_url, folder, open_folder / "out")
    (folder / "a.jpg").write_bytes(b"first")
    (folder / "a.jpg").chmod(0)
    (folder / "link.jpg").symlink_to("later.png")
    (folder / "closed").mkdir(mode=0)
    with drop_privileges():
        rows = run.start()
        assert rows["a.jpg"].reason is ReadProblem.NO_PERMISSION
        assert rows["link.jpg"].reason is ReadProblem.BROKEN_LINK
        assert rows["closed"].reason is ReadProblem.FOLDER_UNREADABLE
    (folder / "a.jpg").chmod(0o644)
    (folder / "later.png").write_bytes(b"later")
    (folder / "closed").chmod(0o755)
    (folder / "closed" / "in.jpg").write_bytes(b"inside")
    rows = run.start()
    assert set(rows) == {"a.jpg", "link.jpg", "later.png", "closed/in.jpg"}
    assert all(row.verdict for row in rows.values())


@pytest.mark.parametrize("damage", [b"\xff\xfe{\n", b"[]\n", b"{}\n", b"null\n", b'{"id": "0", "file": "b.jpg"\n'])
def test_a_damaged_line_costs_its_own_picture_a_second_classification(run: Run, damage: bytes) -> None:
    for name in "abc":
        (run.folder / f"{name}.jpg").write_bytes(name.encode())
    run.start()
    first, _, third = (run.out / RESULTS).read_bytes().splitlines(keepends=True)
    (run.out / RESULTS).write_bytes(first + damage + third)
    with pytest.raises(ResultsDamaged, match=r"line 2 of results\.jsonl"):
        list(read_results(run.out / RESULTS))
    rows = run.start()
    assert {name: row.decision for name, row in rows.items()} == {f"{c}.jpg": decision(c.encode()) for c in "abc"}
    assert (run.out / REPLACED).read_bytes() == damage
    assert sorted(run.decided.values()) == [1, 1, 2]


def submit(run: Run, name: str) -> SubmittedImage:
    """Note `name` in the journal of the run, as a process that is killed right after that."""
    plan_key = open_run(run.out, run.folder, recursive=True, resume=True).job_key
    submitted = ImageBatch(key=plan_key, max_images=1, max_image_bytes=100).read(image_of(run.folder, name))
    assert submitted is not None
    with SubmissionJournal(run.out / JOURNAL) as journal:
        journal.append([submitted])
    return submitted


def test_a_file_that_was_replaced_while_its_picture_was_in_flight_is_judged_anew(run: Run) -> None:
    run.out.mkdir()
    (run.folder / "a.jpg").write_bytes(b"first")
    submit(run, "a.jpg")
    (run.folder / "a.jpg").write_bytes(b"second")
    rows = run.start()
    assert rows["a.jpg"].decision == decision(b"second")
    assert rows["a.jpg"].version.sha256 == hashlib.sha256(b"second").hexdigest()


def test_a_torn_line_of_the_journal_costs_no_other_line(run: Run) -> None:
    run.out.mkdir()
    for name in "abc":
        (run.folder / f"{name}.jpg").write_bytes(name.encode())
    submit(run, "a.jpg")
    whole = (run.out / JOURNAL).read_bytes()
    for length in range(1, len(whole)):
        (run.out / JOURNAL).write_bytes(whole + whole[:length])
        submit(run, "b.jpg")
        names = [entry.name for entry in read_journal(run.out / JOURNAL)]
        assert names in (["a.jpg", "b.jpg"], ["a.jpg", "a.jpg", "b.jpg"]), length
    (run.folder / "b.jpg").unlink()  # only the journal knows it now
    rows = run.start()
    assert set(rows) == {"a.jpg", "b.jpg", "c.jpg"}
    assert rows["b.jpg"].reason is ReadProblem.VANISHED


def test_an_empty_run_is_started_anew(run: Run, tmp_path: Path) -> None:
    run.out.mkdir()
    first = open_run(run.out, run.folder, recursive=True, resume=False)
    (run.folder / "a.jpg").write_bytes(b"first")
    submit(run, "a.jpg")
    (run.out / RESULTS).touch()
    assert open_run(run.out, run.folder, recursive=True, resume=False) == first
    other = tmp_path / "other"
    other.mkdir()
    assert open_run(run.out, other, recursive=True, resume=False).folder == other


def test_jobs_of_a_run_that_was_replaced_are_cancelled(run: Run, redis_url: str, tmp_path: Path) -> None:
    run.out.mkdir()
    (run.folder / "a.jpg").write_bytes(b"first")
    earlier = submit(run, "a.jpg")
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.jpg").write_bytes(b"second")
    with FakeWorker(redis_url) as worker:
        assert set(Run(redis_url, other, run.out).start()) == {"b.jpg"}
        assert b"first" not in worker.decided
    assert earlier.id not in (run.out / RESULTS).read_text()


def test_a_run_with_rows_is_not_replaced(run: Run, tmp_path: Path) -> None:
    (run.folder / "a.jpg").write_bytes(b"first")
    run.start()
    with pytest.raises(OutputDirectoryError, match="--resume"):
        open_run(run.out, run.folder, recursive=True, resume=False)
    with pytest.raises(OutputDirectoryError, match="holds another run"):
        open_run(run.out, tmp_path, recursive=True, resume=False)


def test_a_manifest_survives_a_full_disk(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.out.mkdir()
    manifest = open_run(run.out, run.folder, recursive=True, resume=False)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        manifest.retried().write(run.out / MANIFEST)
    assert RunManifest.read(run.out / MANIFEST) == manifest
    assert [path.name for path in run.out.iterdir()] == [MANIFEST]
