"""The simulator refuses what Telegram refuses, with the same descriptions, and accepts what Telegram accepts."""

from functools import partial

from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters

from tests.simulator.harness import SimulatorTestbed, expect_error, render_image


def _buttons(data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Press", callback_data=data)]])


def _file(data: bytes) -> BufferedInputFile:
    return BufferedInputFile(data, "file.jpg")


def test_texts_are_checked(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        to = (await testbed.create_anna()).id
        send = testbed.bot.send_message
        await expect_error(send(to, " \n"), 400, "message text is empty")
        await expect_error(send(to, "x" * 4097), 400, "message is too long")
        # The length counts UTF-16 code units without the tags.
        await send(to, f"<b>{'x' * 4096}</b>")
        await send(to, "😀" * 2048)
        await expect_error(send(to, "😀" * 2049), 400, "message is too long")
        await expect_error(send(to + 1_000_000, "hello"), 400, "chat not found")
        stranger = await testbed.sim.create_user(bot=testbed.bot.id)
        assert await stranger.get_messages() == []
        await expect_error(send(stranger.id, "you do not know me"), 400, "chat not found")

    testbed.run(scenario)


def test_html_is_checked_and_becomes_entities(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        to = (await testbed.create_anna()).id
        send = testbed.bot.send_message
        parse = "can't parse entities: "
        await expect_error(send(to, "<h1>x</h1>"), 400, parse + 'Unsupported start tag "h1" at byte offset 0')
        await expect_error(send(to, "3 < 4"), 400, parse + 'Unsupported start tag "" at byte offset 2')
        await expect_error(send(to, "<b>x"), 400, parse + 'Can\'t find end tag corresponding to start tag "b"')
        await expect_error(send(to, "<b><i>x</b></i>"), 400, 'expected "</i>", found "</b>"')
        await expect_error(send(to, "x</b>"), 400, parse + "Unexpected end tag")
        sent = await send(
            to, ' 😀 <b>a<i>b</i></b> <a href="https://x.org/?a=1&amp;b">l</a> &lt;&#33;&nbsp; <code> </code>'
        )
        assert sent.text == "😀 ab l <!&nbsp;"
        assert [(entity.type, entity.offset, entity.length) for entity in sent.entities or ()] == [
            ("bold", 3, 2),
            ("italic", 4, 1),
            ("text_link", 6, 1),
        ]
        plain = await send(to, "<b>as it is</b>", parse_mode=None)
        assert (plain.text, plain.entities) == ("<b>as it is</b>", None)

    testbed.run(scenario)


def test_captions_photos_and_documents_are_checked(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        to = (await testbed.create_anna()).id
        photo, small = testbed.bot.send_photo, _file(render_image())
        await photo(to, small, caption="x" * 1024)
        await expect_error(photo(to, small, caption="x" * 1025), 400, "caption is too long")
        await expect_error(photo(to, _file(render_image(5001, 5000))), 400, "PHOTO_INVALID_DIMENSIONS")
        await expect_error(photo(to, _file(render_image(2100, 100))), 400, "PHOTO_INVALID_DIMENSIONS")
        await expect_error(photo(to, _file(render_image() + bytes(10 * 2**20))), 400, "too big")
        await expect_error(photo(to, _file(b"no picture")), 400, "IMAGE_PROCESS_FAILED")
        await expect_error(photo(to, "nothing"), 400, "wrong file_id")
        await expect_error(testbed.bot.send_document(to, _file(bytes(50 * 2**20 + 1))), 400, "file is too big")
        await expect_error(testbed.bot.send_document(to, _file(b"")), 400, "file must be non-empty")

    testbed.run(scenario)


def test_bot_downloads_files_of_up_to_20_megabytes(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        await anna.send_document(bytes(20 * 2**20), "fits.bin", "application/octet-stream")
        await anna.send_document(bytes(20 * 2**20 + 1), "large.bin", "application/octet-stream")
        _, fits, large = [update.message for update in await testbed.bot.get_updates(timeout=5)]
        assert fits is not None
        assert fits.document is not None
        assert large is not None
        assert large.document is not None
        await testbed.bot.get_file(fits.document.file_id)
        await expect_error(testbed.bot.get_file(large.document.file_id), 400, "file is too big")

    testbed.run(scenario)


def test_buttons_and_callback_queries_are_checked(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        to = (await testbed.create_anna()).id
        await testbed.bot.send_message(to, "x", reply_markup=_buttons("я" * 32))
        for data in ("я" * 33, ""):
            await expect_error(
                testbed.bot.send_message(to, "x", reply_markup=_buttons(data)), 400, "BUTTON_DATA_INVALID"
            )
        await expect_error(testbed.bot.answer_callback_query("1"), 400, "query is too old and response timeout expired")

    testbed.run(scenario)


def test_edits_and_deletions_are_checked(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        user_message = await anna.send_text("mine")
        sent = await testbed.bot.send_message(anna.id, "<b>x</b>", reply_markup=_buttons("a"))
        photo = await testbed.bot.send_photo(anna.id, _file(render_image()), caption="c")
        edit = partial(testbed.bot.edit_message_text, chat_id=anna.id)
        edit_sent = partial(edit, message_id=sent.message_id)
        await expect_error(edit_sent("<b>x</b>", reply_markup=_buttons("a")), 400, "message is not modified")
        await edit_sent("<b>x</b>", reply_markup=_buttons("b"))
        await edit_sent("x", reply_markup=_buttons("b"))
        await edit_sent("x")
        await expect_error(edit_sent("x"), 400, "message is not modified")
        await expect_error(edit("x", message_id=99_999), 400, "message to edit not found")
        await expect_error(edit("x", message_id=user_message), 400, "message can't be edited")
        await expect_error(edit("x", message_id=photo.message_id), 400, "there is no text in the message")
        captions = testbed.bot.edit_message_caption(chat_id=anna.id, message_id=sent.message_id, caption="c")
        await expect_error(captions, 400, "there is no caption in the message")
        await testbed.bot.edit_message_reply_markup(
            chat_id=anna.id, message_id=sent.message_id, reply_markup=_buttons("z")
        )
        assert (await anna.get_messages())[-2]["edited"] == 4
        await testbed.bot.delete_message(anna.id, sent.message_id)
        await expect_error(edit_sent("y"), 400, "message to edit not found")
        await expect_error(testbed.bot.delete_message(anna.id, sent.message_id), 400, "message to delete not found")
        await testbed.bot.delete_messages(anna.id, [sent.message_id, photo.message_id])
        assert [message["deleted"] for message in await anna.get_messages()] == [False, False, True, True]

    testbed.run(scenario)


def test_reply_to_a_deleted_message_is_refused_unless_allowed(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        to = (await testbed.create_anna()).id
        deleted = await testbed.bot.send_message(to, "x")
        await testbed.bot.delete_message(to, deleted.message_id)
        strict = ReplyParameters(message_id=deleted.message_id)
        await expect_error(
            testbed.bot.send_message(to, "y", reply_parameters=strict), 400, "message to be replied not found"
        )
        lenient = ReplyParameters(message_id=deleted.message_id, allow_sending_without_reply=True)
        assert (await testbed.bot.send_message(to, "y", reply_parameters=lenient)).reply_to_message is None

    testbed.run(scenario)


def test_bot_is_refused_while_the_user_blocks_it(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        await anna.block()
        await expect_error(testbed.bot.send_message(anna.id, "x"), 403, "bot was blocked by the user")
        await anna.unblock()
        await testbed.bot.send_message(anna.id, "x")
        updates = await testbed.bot.get_updates(timeout=5)
        changes = [update.my_chat_member.new_chat_member.status for update in updates if update.my_chat_member]
        assert changes == ["kicked", "member"]

    testbed.run(scenario)
