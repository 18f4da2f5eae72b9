"""Tests of `bulk.filenames`: file names are any bytes."""

import json
import os
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from bulk import filenames

ANY_NAME = st.one_of(
    st.binary(min_size=1, max_size=250), st.text(min_size=1, max_size=80).map(lambda t: t.encode("utf-8", "replace"))
).map(os.fsdecode)


@given(ANY_NAME)
@example(os.fsdecode(b"\xff\xfe.jpg"))
@example("\\xff.jpg")
@example("a\nb\u202egpj.exe")
def test_json_fields_keep_every_name_and_are_valid_unicode(name: str) -> None:
    line = json.dumps(filenames.to_fields(name), ensure_ascii=False)
    assert filenames.from_fields(json.loads(line.encode("utf-8"))) == name


@given(ANY_NAME)
@example("\x1b[2J.jpg")
@example("a\u202egpj.exe")
def test_visible_leaves_nothing_that_controls_a_terminal(name: str) -> None:
    shown = filenames.visible(name)
    shown.encode("utf-8")
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c == "\u202e"]


def test_visible_leaves_ordinary_names_unchanged() -> None:
    for name in ("IMG 0001.jpg", "родинка.heic", "👩🏽\u200d⚕️.png"):
        assert filenames.visible(name) == filenames.text(name) == name
