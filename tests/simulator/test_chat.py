"""A bot that uses aiogram and simulated users chat."""

import asyncio

from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    ReplyParameters,
)

from tests.simulator.harness import SimulatorTestbed, expect_error, render_image


def _buttons(text: str, data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=text, callback_data=data)]])


def test_user_and_bot_exchange_messages_buttons_edits_and_actions(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        (update,) = await testbed.bot.get_updates(timeout=5)
        assert update.message is not None
        assert update.message.from_user is not None
        sender = update.message.from_user
        assert (sender.id, sender.first_name, sender.language_code, sender.username) == (anna.id, "Anna", "en", "anna")
        assert update.message.text == "/start"
        assert update.message.entities is not None
        assert update.message.entities[0].type == "bot_command"
        waiting = asyncio.create_task(
            anna.wait_for_message(lambda message: message.get("text") == "Hello & welcome", 5)
        )
        sent = await testbed.bot.send_message(
            anna.id,
            "<b>Hello</b> &amp; welcome",
            reply_parameters=ReplyParameters(message_id=update.message.message_id),
            reply_markup=_buttons("I agree", "consent:1"),
        )
        answer = await waiting
        assert answer["message_id"] == sent.message_id
        assert answer["entities"] == [{"type": "bold", "offset": 0, "length": 5}]
        assert answer["reply_to_message"]["message_id"] == update.message.message_id

        await anna.press_button(sent.message_id, "I agree")
        (pressed,) = await testbed.bot.get_updates(offset=update.update_id + 1, timeout=5)
        assert pressed.callback_query is not None
        assert pressed.callback_query.data == "consent:1"
        await testbed.bot.answer_callback_query(pressed.callback_query.id, text="Thank you")
        assert await anna.get_toasts() == ["Thank you"]
        await testbed.bot.send_chat_action(anna.id, "upload_photo")
        assert await anna.get_chat_actions() == ["upload_photo"]

        await testbed.bot.edit_message_text("Done", chat_id=anna.id, message_id=sent.message_id)
        edited = (await anna.get_messages())[-1]
        assert (edited["text"], edited["edited"], "reply_markup" in edited) == ("Done", 1, False)
        await testbed.bot.delete_message(anna.id, sent.message_id)
        assert [message["deleted"] for message in await anna.get_messages()] == [False, True]

    testbed.run(scenario)


def test_photo_has_telegrams_sizes_and_stable_unique_ids(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        file_id = await testbed.sim.upload(render_image(3000, 2000))
        await anna.send_photo(file_id, caption="my arm")
        await anna.send_photo(file_id)
        _, first, second = await testbed.bot.get_updates(timeout=5)
        assert first.message is not None
        assert second.message is not None
        assert first.message.caption == "my arm"
        assert first.message.photo is not None
        assert second.message.photo is not None
        assert [(size.width, size.height) for size in first.message.photo] == [
            (90, 60), (320, 213), (800, 533), (1280, 853)
        ]  # fmt: skip
        largest, again = first.message.photo[-1], second.message.photo[-1]
        assert largest.file_unique_id == again.file_unique_id
        assert largest.file_id != again.file_id
        file = await testbed.bot.get_file(largest.file_id)
        assert file.file_path is not None
        downloaded = await testbed.bot.download_file(file.file_path)
        assert downloaded is not None
        data = downloaded.read()
        assert data[:2] == b"\xff\xd8"
        assert len(data) == largest.file_size

        # Sent by its file id, it is the same photo.
        sent = await testbed.bot.send_photo(anna.id, largest.file_id)
        assert sent.photo is not None
        assert sent.photo[-1].file_unique_id == largest.file_unique_id

    testbed.run(scenario)


def test_document_keeps_its_bytes(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        await anna.send_document(b"\0any bytes", "scan.tif", "image/tiff", caption="a scan")
        _, update = await testbed.bot.get_updates(timeout=5)
        assert update.message is not None
        document = update.message.document
        assert document is not None
        assert (document.file_name, document.mime_type, update.message.caption) == ("scan.tif", "image/tiff", "a scan")
        downloaded = await testbed.bot.download(document)
        assert downloaded is not None
        assert downloaded.read() == b"\0any bytes"

    testbed.run(scenario)


def test_bot_uploads_photos_documents_and_albums(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        drawn = BufferedInputFile(render_image(800, 600), "drawn.jpg")
        sent = await testbed.bot.send_photo(anna.id, drawn, caption="<i>here</i>")
        assert sent.photo is not None
        assert await anna.download(sent.photo[-1].file_id) == drawn.data
        sent_document = await testbed.bot.send_document(anna.id, BufferedInputFile(b"%PDF", "report.pdf"))
        assert sent_document.document is not None
        assert sent_document.document.file_name == "report.pdf"
        album = await testbed.bot.send_media_group(
            anna.id,
            [
                InputMediaPhoto(media=BufferedInputFile(render_image(colour=colour), "one.jpg"), caption=colour)
                for colour in ("red", "blue")
            ],
        )
        assert [message.caption for message in album] == ["red", "blue"]
        assert len({message.media_group_id for message in album}) == 1
        assert album[0].photo is not None
        assert album[1].photo is not None
        assert album[0].photo[-1].file_unique_id != album[1].photo[-1].file_unique_id

        # A text message becomes a photo message, as when a status message becomes the answer.
        status = await testbed.bot.send_message(anna.id, "working")
        media = InputMediaPhoto(media=drawn, caption="ready")
        await testbed.bot.edit_message_media(media, chat_id=anna.id, message_id=status.message_id)
        last = (await anna.get_messages())[-1]
        assert last["caption"] == "ready"
        assert "text" not in last
        again = testbed.bot.edit_message_media(media, chat_id=anna.id, message_id=status.message_id)
        await expect_error(again, 400, "message is not modified")

    testbed.run(scenario)


def test_users_send_albums_and_other_media(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        await anna.send_album([render_image(), render_image(colour="red")])
        await anna.send_voice()
        await anna.send_sticker()
        await anna.send_animation(b"moving")
        await anna.send_live_photo(render_image())
        await anna.send_photo(render_image(), forwarded=True)
        messages = [update.message for update in await testbed.bot.get_updates(timeout=5)][1:]
        first, second, voice, sticker, animation, live, forwarded = [message for message in messages if message]
        assert first.media_group_id == second.media_group_id is not None
        assert (voice.content_type, sticker.content_type) == ("voice", "sticker")
        assert animation.animation is not None
        assert animation.document is not None
        assert animation.animation.file_unique_id == animation.document.file_unique_id
        assert live.live_photo is not None
        assert live.photo
        assert forwarded.forward_origin is not None

    testbed.run(scenario)


def test_bot_in_a_group_sees_only_commands_mentions_and_replies(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.sim.create_user(bot=testbed.bot.id)
        ben = await testbed.sim.create_user("Ben", bot=testbed.bot.id)
        group = await testbed.sim.create_group("Ward", [anna, ben])
        photo = await anna.send_photo(render_image(), chat=group)
        await ben.send_text("is that one ours?", chat=group)
        asked = await ben.send_text("/check", chat=group, reply_to=photo)
        (update,) = await testbed.bot.get_updates(timeout=5)
        assert update.message is not None
        assert (update.message.message_id, update.message.chat.type, update.message.chat.title) == (
            asked,
            "group",
            "Ward",
        )
        assert update.message.reply_to_message is not None
        assert update.message.reply_to_message.photo
        answer = await testbed.bot.send_message(group.id, "wait", reply_markup=_buttons("Stop", "stop:"))
        await ben.press_button(answer.message_id, "stop:", chat=group)
        await anna.send_text("why?", chat=group, reply_to=answer.message_id)
        pressed, why = await testbed.bot.get_updates(offset=update.update_id + 1, timeout=5)
        assert pressed.callback_query is not None
        assert pressed.callback_query.from_user.id == ben.id
        assert why.message is not None
        assert why.message.text == "why?"
        member = await testbed.bot.get_chat_member(group.id, anna.id)
        assert member.status == "member"
        assert (await testbed.bot.get_chat(group.id)).title == "Ward"

    testbed.run(scenario)


def test_users_talk_to_the_latest_bot_or_the_one_they_name(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        async with testbed.open_bot(f"77{testbed.token}") as other:
            await other.get_me()
            anyone = await testbed.sim.create_user()
            await anyone.send_text("to the latest")
            known = await testbed.sim.create_user(bot=f"simulated_{testbed.bot.id}_bot")
            await known.send_text("to the first")
            (late,) = await other.get_updates(timeout=5)
            (early,) = await testbed.bot.get_updates(timeout=5)
            assert late.message is not None
            assert late.message.text == "to the latest"
            assert early.message is not None
            assert early.message.text == "to the first"

    testbed.run(scenario)


def test_a_request_with_an_id_is_taken_once(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        first = await anna.send_text("once", request_id="a")
        assert await anna.send_text("once", request_id="a") == first
        assert await anna.send_text("once", request_id="b") != first
        texts = [message["text"] for message in await anna.get_messages()]
        assert texts == ["/start", "once", "once"]

    testbed.run(scenario)
