"""Targets of status messages."""

import pytest

from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_target import AlbumTarget, JobTarget, StatusTarget, get_status_target, parse_status_target


@pytest.mark.parametrize("target", [JobTarget("0" * 32), AlbumTarget(7, "13"), AlbumTarget(-100500, "13")])
def test_parse_status_target_reads_what_redis_holds(target: StatusTarget) -> None:
    assert parse_status_target(str(target)) == target


@pytest.mark.parametrize(("album_id", "expected"), [(None, JobTarget("id")), ("13", AlbumTarget(7, "13"))])
def test_photos_of_an_album_share_a_target(album_id: str | None, expected: StatusTarget) -> None:
    origin = PhotoOrigin(chat_id=7, message_id=1, user_id=7, file_id="F", album_id=album_id)
    assert get_status_target("id", origin) == expected
