"""What Telegram refuses, in its own words; where it is lenient, so is the stand-in."""

from functools import partial

from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters

from tests.simulator.harness import SimulatorTestbed, expect_error, render_image


def _buttons(data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Press", callback_data=data)]])


def _file(data: bytes) -> BufferedInputFile:
    return BufferedInputFile(data, "file.jpg")


def test_texts(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        to = (await stand.create_anna()).id
        send = stand.bot.send_message
        await expect_error(send(to, " \n"), 400, "message text is empty")
        await expect_error(send(to, "x" * 4097), 400, "message is too long")
        # What counts is what is left without the tags, in UTF-16.
        await send(to, f"<b>{'x' * 4096}</b>")
        await send(to, "😀" * 2048)
        await expect_error(send(to, "😀" * 2049), 400, "message is too long")
        await expect_error(send(to + 1_000_000, "hello"), 400, "chat not found")
        stranger = await stand.sim.create_user(bot=stand.bot.id)
        assert await stranger.get_messages() == []
        await expect_error(send(stranger.id, "you do not know me"), 400, "chat not found")

    stand.run(story)


def test_html(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        to = (await stand.create_anna()).id
        send = stand.bot.send_message
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
        assert [(one.type, one.offset, one.length) for one in sent.entities or ()] == [
            ("bold", 3, 2),
            ("italic", 4, 1),
            ("text_link", 6, 1),
        ]
        plain = await send(to, "<b>as it is</b>", parse_mode=None)
        assert (plain.text, plain.entities) == ("<b>as it is</b>", None)

    stand.run(story)


def test_captions_photographs_and_documents(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        to = (await stand.create_anna()).id
        photo, small = stand.bot.send_photo, _file(render_image())
        await photo(to, small, caption="x" * 1024)
        await expect_error(photo(to, small, caption="x" * 1025), 400, "caption is too long")
        await expect_error(photo(to, _file(render_image(5001, 5000))), 400, "PHOTO_INVALID_DIMENSIONS")
        await expect_error(photo(to, _file(render_image(2100, 100))), 400, "PHOTO_INVALID_DIMENSIONS")
        await expect_error(photo(to, _file(render_image() + bytes(10 * 2**20))), 400, "too big")
        await expect_error(photo(to, _file(b"no picture")), 400, "IMAGE_PROCESS_FAILED")
        await expect_error(photo(to, "nothing"), 400, "wrong file_id")
        await expect_error(stand.bot.send_document(to, _file(bytes(50 * 2**20 + 1))), 400, "file is too big")
        await expect_error(stand.bot.send_document(to, _file(b"")), 400, "file must be non-empty")

    stand.run(story)


def test_a_bot_downloads_up_to_20_megabytes(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.create_anna()
        await anna.send_document(bytes(20 * 2**20), "fits.bin", "application/octet-stream")
        await anna.send_document(bytes(20 * 2**20 + 1), "large.bin", "application/octet-stream")
        _, fits, large = [update.message for update in await stand.bot.get_updates(timeout=5)]
        assert fits is not None
        assert fits.document is not None
        assert large is not None
        assert large.document is not None
        await stand.bot.get_file(fits.document.file_id)
        await expect_error(stand.bot.get_file(large.document.file_id), 400, "file is too big")

    stand.run(story)


def test_buttons(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        to = (await stand.create_anna()).id
        await stand.bot.send_message(to, "x", reply_markup=_buttons("я" * 32))
        for data in ("я" * 33, ""):
            await expect_error(stand.bot.send_message(to, "x", reply_markup=_buttons(data)), 400, "BUTTON_DATA_INVALID")
        await expect_error(stand.bot.answer_callback_query("1"), 400, "query is too old and response timeout expired")

    stand.run(story)


def test_edits(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.create_anna()
        theirs = await anna.send_text("mine")
        sent = await stand.bot.send_message(anna.id, "<b>x</b>", reply_markup=_buttons("a"))
        shown = await stand.bot.send_photo(anna.id, _file(render_image()), caption="c")
        edit = partial(stand.bot.edit_message_text, chat_id=anna.id)
        its = partial(edit, message_id=sent.message_id)
        await expect_error(its("<b>x</b>", reply_markup=_buttons("a")), 400, "message is not modified")
        await its("<b>x</b>", reply_markup=_buttons("b"))
        await its("x", reply_markup=_buttons("b"))
        await its("x")
        await expect_error(its("x"), 400, "message is not modified")
        await expect_error(edit("x", message_id=99_999), 400, "message to edit not found")
        await expect_error(edit("x", message_id=theirs), 400, "message can't be edited")
        await expect_error(edit("x", message_id=shown.message_id), 400, "there is no text in the message")
        captions = stand.bot.edit_message_caption(chat_id=anna.id, message_id=sent.message_id, caption="c")
        await expect_error(captions, 400, "there is no caption in the message")
        await stand.bot.edit_message_reply_markup(
            chat_id=anna.id, message_id=sent.message_id, reply_markup=_buttons("z")
        )
        assert (await anna.get_messages())[-2]["edited"] == 4
        await stand.bot.delete_message(anna.id, sent.message_id)
        await expect_error(its("y"), 400, "message to edit not found")
        await expect_error(stand.bot.delete_message(anna.id, sent.message_id), 400, "message to delete not found")
        await stand.bot.delete_messages(anna.id, [sent.message_id, shown.message_id])
        assert [one["deleted"] for one in await anna.get_messages()] == [False, False, True, True]

    stand.run(story)


def test_a_reply_to_what_is_gone(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        to = (await stand.create_anna()).id
        gone = await stand.bot.send_message(to, "x")
        await stand.bot.delete_message(to, gone.message_id)
        strict = ReplyParameters(message_id=gone.message_id)
        await expect_error(
            stand.bot.send_message(to, "y", reply_parameters=strict), 400, "message to be replied not found"
        )
        lenient = ReplyParameters(message_id=gone.message_id, allow_sending_without_reply=True)
        assert (await stand.bot.send_message(to, "y", reply_parameters=lenient)).reply_to_message is None

    stand.run(story)


def test_who_blocked_the_bot_gets_nothing(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.create_anna()
        await anna.block()
        await expect_error(stand.bot.send_message(anna.id, "x"), 403, "bot was blocked by the user")
        await anna.unblock()
        await stand.bot.send_message(anna.id, "x")
        updates = await stand.bot.get_updates(timeout=5)
        changes = [update.my_chat_member.new_chat_member.status for update in updates if update.my_chat_member]
        assert changes == ["kicked", "member"]

    stand.run(story)
