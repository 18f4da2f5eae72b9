"""Tests of `bulk.results.result_row`. Users' programs read these lines, so each field is pinned."""

import json
import os
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk.inputs.input_image import ImageVersion
from bulk.inputs.read_problem import ReadProblem
from bulk.results.result_row import AnyDecision, LocalRefusal, ResultRow
from shared.contract.decision import Advice, Failure, FailureReason, Refusal, RefusalReason, Verdict
from shared.ledger.records import OutboxJob
from tests.bulk.fake_worker import verdict
from tests.bulk.results.rows import REFUSED, row

ID = "00" * 16
VERSION = ImageVersion(3, "ab" * 32, 1_700_000_000_000_000_001)
UNREAD = b'"size": null, "sha256": null, "changed_ns": null, '
DECISIONS: list[AnyDecision] = [
    verdict(b"\x55\x99abcdefg"),
    verdict(b"abcdefg").model_copy(update={"receipt": None, "advice": (Advice.DARK,)}),
    Refusal(reason=RefusalReason.NOT_A_LESION, advice=(Advice.BLURRED,), probabilities={"mel": 1e-05}),
    Failure(reason=FailureReason.PREDICT_FAILED, detail="é \u2028"),
    LocalRefusal(reason=ReadProblem.VANISHED),
]


def decided(decision: bytes) -> OutboxJob:
    return OutboxJob(ID, "en", "", decision, received_at=10.0, decided_at=11.23456, attempts=1)


def test_a_verdict_has_these_fields() -> None:
    judged = ResultRow(ID, "a.jpg", 0.25, verdict(b"\0\0\0\0\0\0\x80"), VERSION)
    assert judged.to_json() == (
        b'{"id": "00000000000000000000000000000000", "file": "a.jpg", "seconds": 0.25, '
        b'"size": 3, "sha256": "' + b"ab" * 32 + b'", "changed_ns": 1700000000000000001, '
        b'"kind":"verdict","artefact":"test@1","population":"dermatoscope","probability":1.7763568394002505e-15,'
        b'"probabilities":{"mel":1.7763568394002505e-15,"nv":0.9999999999999982},"band":"low",'
        b'"receipt":{"lesions":41,"malignant":3,"low":0.013,"high":0.09,"population":"dermatoscope"},'
        b'"evidence":{"rows":2,"columns":2,"cells":[127,-127,0,30]},"distance":0.5,"advice":[],'
        b'"work":{"batch":8,"wait_s":0.01,"decode_s":0.01,"predict_s":0.02,"runtime":""}}\n'
    )


def test_refusals_and_failures_have_these_fields() -> None:
    head = b'{"id": "00000000000000000000000000000000", "file": "a.jpg", "seconds": 0.25, ' + UNREAD
    for decision, fields in (
        (REFUSED, b'"kind":"refusal","reason":"damaged","advice":[],"probabilities":{}}\n'),
        (LocalRefusal(reason=ReadProblem.VANISHED), b'"kind":"refusal","reason":"vanished","advice":[]}\n'),
        (Failure(reason=FailureReason.DEADLINE), b'"kind":"failure","reason":"deadline","detail":""}\n'),
    ):
        assert row("a.jpg", decision).to_json() == head + fields


def test_a_name_that_is_not_utf8_has_its_bytes_beside_it() -> None:
    fields = json.loads(row(os.fsdecode(b"caf\xe9.jpg"), REFUSED).to_json())
    assert (fields["file"], fields["file_base64"]) == ("caf\\xe9.jpg", "Y2Fm6S5qcGc=")


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: decision.kind)
@pytest.mark.parametrize("name", ["a.jpg", "new\nline.jpg", "=1+1.jpg", os.fsdecode(b"caf\xe9.jpg")], ids=ascii)
def test_a_line_gives_the_same_row_again(name: str, decision: AnyDecision) -> None:
    written = row(name, decision)
    line = written.to_json()
    assert line.count(b"\n") == 1
    assert ResultRow.from_json(line) == written


@given(st.floats(min_value=0, max_value=1), st.floats(min_value=0, allow_infinity=False))
def test_a_line_holds_the_decision_as_the_worker_wrote_it(probability: float, distance: float) -> None:
    decision = verdict(b"").model_copy(update={"probability": probability, "distance": distance})
    line = ResultRow.from_job(decided(decision.model_dump_json().encode()), "a.jpg", VERSION).to_json()
    assert line.endswith(decision.model_dump_json()[1:].encode() + b"\n")
    assert b'"seconds": 1.235, ' in line


def test_the_decision_of_a_job_is_read_whole() -> None:
    decision = verdict(b"\x55\x99abcdefg")
    read = ResultRow.from_job(decided(decision.model_dump_json(indent=1).encode()), "a.jpg", VERSION)
    assert read == ResultRow(ID, "a.jpg", 1.235, decision, VERSION)
    fields = json.loads(read.to_json())
    head = {key: fields.pop(key) for key in ("id", "file", "seconds", "size", "sha256", "changed_ns")}
    assert head == {"id": ID, "file": "a.jpg", "seconds": 1.235, **asdict(VERSION)}
    assert Verdict.model_validate_json(json.dumps(fields)) == decision


def test_a_decision_of_another_release_becomes_a_failure() -> None:
    read = ResultRow.from_job(decided(b'{"kind":"oracle"}'), "a.jpg", VERSION)
    assert read.reason is FailureReason.UNKNOWN_CONTRACT
