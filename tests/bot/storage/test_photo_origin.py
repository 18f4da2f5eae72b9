"""Records of where a photo came from outlive an upgrade of the bot."""

from bot.storage.photo_origin import PhotoOrigin


def test_photo_origin_reads_the_records_of_an_older_release() -> None:
    stored = '{"chat":-5,"message":2,"person":7,"file":"F","group":true,"album":null}'
    expected = PhotoOrigin(chat_id=-5, message_id=2, user_id=7, file_id="F", is_group=True)
    assert PhotoOrigin.model_validate_json(stored) == expected
    assert PhotoOrigin.model_validate_json(expected.model_dump_json()) == expected
