"""Whatever shows the same as whatever else: nothing leaks, and nothing is lost without a reason."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from training.data.duplicates.deduplication import deduplicate
from training.data.duplicates.pairs import ImagePair, MatchType
from training.data.records.groups import check_group_leakage
from training.data.records.labelled_image import Population, Split
from training.data.records.record import ImageRecord, Subject


@st.composite
def record(draw: st.DrawFn) -> ImageRecord:
    return ImageRecord(
        path=Path(f"{draw(st.integers(0, 10**9))}.jpg"),
        subject=Subject.LESION,
        label=draw(st.sampled_from([None, 0, 5])),
        source="made",
        population=Population.PHONE,
        licence="",
        group=f"lesion {draw(st.integers(0, 6))}",
        split=draw(st.sampled_from(list(Split))),
        fold=draw(st.sampled_from([None, 0, 1])),
    )


RECORDS = st.lists(record(), min_size=2, max_size=12)
#: Indices of two pictures, whatever their number, and how they are the same.
PAIRS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.sampled_from(list(MatchType))), max_size=8)


@given(records=RECORDS, found=PAIRS)
def test_nothing_leaks_and_each_picture_is_accounted_for(
    records: list[ImageRecord], found: list[tuple[int, int, MatchType]]
) -> None:
    count = len(records)
    ends = {
        (min(a % count, b % count), max(a % count, b % count)): how for a, b, how in found if a % count != b % count
    }
    pairs = [ImagePair(first, second, how, 1.0) for (first, second), how in ends.items()]
    resolved = deduplicate(records, [1] * count, pairs)
    check_group_leakage(resolved.kept.values())
    assert len(resolved.kept) + len(resolved.dropped) == count
    assert all(loss.reason for loss in resolved.dropped)
    # A copy and its twin are never both there, and what is measured on is never given up for what is learned from.
    copies = [pair for pair in pairs if pair.match_type is not MatchType.LESION]
    assert not [pair for pair in copies if pair.first in resolved.kept and pair.second in resolved.kept]
    before = [Split.TRAIN, Split.VALID, Split.TEST]
    assert all(before.index(loss.record.split) <= before.index(loss.kept.split) for loss in resolved.dropped)
