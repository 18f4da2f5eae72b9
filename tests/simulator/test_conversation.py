"""A bot and a person talk, through aiogram as it is."""

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


def test_a_person_writes_and_the_bot_answers(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.create_anna()
        (update,) = await stand.bot.get_updates(timeout=5)
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
        sent = await stand.bot.send_message(
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
        (pressed,) = await stand.bot.get_updates(offset=update.update_id + 1, timeout=5)
        assert pressed.callback_query is not None
        assert pressed.callback_query.data == "consent:1"
        await stand.bot.answer_callback_query(pressed.callback_query.id, text="Thank you")
        assert await anna.get_toasts() == ["Thank you"]
        await stand.bot.send_chat_action(anna.id, "upload_photo")
        assert await anna.get_chat_actions() == ["upload_photo"]

        await stand.bot.edit_message_text("Done", chat_id=anna.id, message_id=sent.message_id)
        edited = (await anna.get_messages())[-1]
        assert (edited["text"], edited["edited"], "reply_markup" in edited) == ("Done", 1, False)
        await stand.bot.delete_message(anna.id, sent.message_id)
        assert [message["deleted"] for message in await anna.get_messages()] == [False, True]

    stand.run(story)


def test_a_photograph_comes_in_sizes_and_can_be_downloaded(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.create_anna()
        handle = await stand.sim.upload(render_image(3000, 2000))
        await anna.send_photo(handle, caption="my arm")
        await anna.send_photo(handle)
        _, first, second = await stand.bot.get_updates(timeout=5)
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
        file = await stand.bot.get_file(largest.file_id)
        assert file.file_path is not None
        found = await stand.bot.download_file(file.file_path)
        assert found is not None
        data = found.read()
        assert data[:2] == b"\xff\xd8"
        assert len(data) == largest.file_size

        # Sent by its id it is the same photograph.
        sent = await stand.bot.send_photo(anna.id, largest.file_id)
        assert sent.photo is not None
        assert sent.photo[-1].file_unique_id == largest.file_unique_id

    stand.run(story)


def test_a_document_keeps_its_bytes(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.create_anna()
        await anna.send_document(b"\0any bytes", "scan.tif", "image/tiff", caption="a scan")
        _, update = await stand.bot.get_updates(timeout=5)
        assert update.message is not None
        document = update.message.document
        assert document is not None
        assert (document.file_name, document.mime_type, update.message.caption) == ("scan.tif", "image/tiff", "a scan")
        found = await stand.bot.download(document)
        assert found is not None
        assert found.read() == b"\0any bytes"

    stand.run(story)


def test_the_bot_uploads_photographs_documents_and_albums(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.create_anna()
        drawn = BufferedInputFile(render_image(800, 600), "drawn.jpg")
        sent = await stand.bot.send_photo(anna.id, drawn, caption="<i>here</i>")
        assert sent.photo is not None
        assert await anna.download(sent.photo[-1].file_id) == drawn.data
        told = await stand.bot.send_document(anna.id, BufferedInputFile(b"%PDF", "report.pdf"))
        assert told.document is not None
        assert told.document.file_name == "report.pdf"
        album = await stand.bot.send_media_group(
            anna.id,
            [
                InputMediaPhoto(media=BufferedInputFile(render_image(colour=colour), "one.jpg"), caption=colour)
                for colour in ("red", "blue")
            ],
        )
        assert [one.caption for one in album] == ["red", "blue"]
        assert len({one.media_group_id for one in album}) == 1
        assert album[0].photo is not None
        assert album[1].photo is not None
        assert album[0].photo[-1].file_unique_id != album[1].photo[-1].file_unique_id

        # A message of text becomes one with a photograph, as an answer under a progress line does.
        line = await stand.bot.send_message(anna.id, "working")
        media = InputMediaPhoto(media=drawn, caption="ready")
        await stand.bot.edit_message_media(media, chat_id=anna.id, message_id=line.message_id)
        last = (await anna.get_messages())[-1]
        assert last["caption"] == "ready"
        assert "text" not in last
        again = stand.bot.edit_message_media(media, chat_id=anna.id, message_id=line.message_id)
        await expect_error(again, 400, "message is not modified")

    stand.run(story)


def test_people_send_albums_and_odd_things(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.create_anna()
        await anna.send_album([render_image(), render_image(colour="red")])
        await anna.send_voice()
        await anna.send_sticker()
        await anna.send_animation(b"moving")
        await anna.send_live_photo(render_image())
        await anna.send_photo(render_image(), forwarded=True)
        messages = [update.message for update in await stand.bot.get_updates(timeout=5)][1:]
        one, two, voice, sticker, animation, live, forwarded = [message for message in messages if message]
        assert one.media_group_id == two.media_group_id is not None
        assert (voice.content_type, sticker.content_type) == ("voice", "sticker")
        assert animation.animation is not None
        assert animation.document is not None
        assert animation.animation.file_unique_id == animation.document.file_unique_id
        assert live.live_photo is not None
        assert live.photo
        assert forwarded.forward_origin is not None

    stand.run(story)


def test_in_a_group_the_bot_sees_what_is_meant_for_it(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.sim.create_user(bot=stand.bot.id)
        ben = await stand.sim.create_user("Ben", bot=stand.bot.id)
        group = await stand.sim.create_group("Ward", [anna, ben])
        shown = await anna.send_photo(render_image(), chat=group)
        await ben.send_text("is that one ours?", chat=group)
        asked = await ben.send_text("/check", chat=group, reply_to=shown)
        (update,) = await stand.bot.get_updates(timeout=5)
        assert update.message is not None
        assert (update.message.message_id, update.message.chat.type, update.message.chat.title) == (
            asked,
            "group",
            "Ward",
        )
        assert update.message.reply_to_message is not None
        assert update.message.reply_to_message.photo
        answer = await stand.bot.send_message(group.id, "wait", reply_markup=_buttons("Stop", "stop:"))
        await ben.press_button(answer.message_id, "stop:", chat=group)
        await anna.send_text("why?", chat=group, reply_to=answer.message_id)
        pressed, why = await stand.bot.get_updates(offset=update.update_id + 1, timeout=5)
        assert pressed.callback_query is not None
        assert pressed.callback_query.from_user.id == ben.id
        assert why.message is not None
        assert why.message.text == "why?"
        member = await stand.bot.get_chat_member(group.id, anna.id)
        assert member.status == "member"
        assert (await stand.bot.get_chat(group.id)).title == "Ward"

    stand.run(story)


def test_people_talk_to_the_bot_that_came_last_or_the_one_they_name(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        async with stand.open_bot(f"77{stand.token}") as other:
            await other.get_me()
            anyone = await stand.sim.create_user()
            await anyone.send_text("to the latest")
            known = await stand.sim.create_user(bot=f"stand_in_{stand.bot.id}_bot")
            await known.send_text("to the first")
            (late,) = await other.get_updates(timeout=5)
            (early,) = await stand.bot.get_updates(timeout=5)
            assert late.message is not None
            assert late.message.text == "to the latest"
            assert early.message is not None
            assert early.message.text == "to the first"

    stand.run(story)
