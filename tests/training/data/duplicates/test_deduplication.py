"""Properties of the deduplication, for any records and any pairs among them."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from training.data.duplicates.deduplication import deduplicate
from training.data.duplicates.pairs import ImagePair, MatchType
from training.data.records.groups import check_group_leakage
from training.data.records.labelled_image import ImageRecord, Population, Split, Subject


@st.composite
def record(draw: st.DrawFn) -> ImageRecord:
    return ImageRecord(
        path=Path(f"{draw(st.integers(0, 10**9))}.jpg"),
        subject=Subject.LESION,
        label=draw(st.sampled_from([None, 0, 5])),
        source="synthetic",
        population=Population.PHONE,
        licence="",
        group=f"lesion {draw(st.integers(0, 6))}",
        split=draw(st.sampled_from(list(Split))),
        fold=draw(st.sampled_from([None, 0, 1])),
    )


RECORDS = st.lists(record(), min_size=2, max_size=12)
#: Two numbers, which become indices modulo the number of records, and how the images are the same.
PAIRS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.sampled_from(list(MatchType))), max_size=8)


@given(records=RECORDS, matches=PAIRS)
def test_deduplicate_prevents_leaks_and_accounts_for_each_image(
    records: list[ImageRecord], matches: list[tuple[int, int, MatchType]]
) -> None:
    count = len(records)
    ends = {
        (min(a % count, b % count), max(a % count, b % count)): match_type
        for a, b, match_type in matches
        if a % count != b % count
    }
    pairs = [ImagePair(first, second, match_type, 1.0) for (first, second), match_type in ends.items()]
    result = deduplicate(records, [1] * count, pairs)
    check_group_leakage(result.kept.values())
    assert len(result.kept) + len(result.dropped) == count
    assert all(entry.reason for entry in result.dropped)
    # Two copies are never both kept, and no image that measures the model is dropped in favour of one that trains it.
    copies = [pair for pair in pairs if pair.match_type is not MatchType.LESION]
    assert not [pair for pair in copies if pair.first in result.kept and pair.second in result.kept]
    order = [Split.TRAIN, Split.VALID, Split.TEST]
    assert all(order.index(entry.record.split) <= order.index(entry.kept.split) for entry in result.dropped)
