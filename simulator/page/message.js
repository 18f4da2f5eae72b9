// Renders one message. `photos` numbers the photographs of the chat; `onPress` is called with a pressed button's data.
import { element, link } from "./element.js";
import { renderEntities } from "./entities.js";

export function renderMessage(message, photos, onPress) {
  const node = element("article", message.from.is_bot ? "message bot" : "message");
  node.dataset.messageId = message.message_id;
  node.append(element("span", "visually-hidden", `${senderOf(message)}: `));
  if (message.reply_to_message) node.append(renderQuote(message.reply_to_message, photos));
  if (message.photo) node.append(renderPhoto(message, photos));
  else if (message.document) node.append(element("div", "quote", `File: ${message.document.file_name}`));
  const text = message.text ?? message.caption;
  if (text) {
    const block = element("div", "text");
    block.append(renderEntities(text, message.entities ?? message.caption_entities ?? []));
    node.append(block);
  }
  for (const row of message.reply_markup?.inline_keyboard ?? []) node.append(renderButtons(row, onPress));
  node.append(element("footer", "", message.edit_date ? `edited ${timeOf(message)}` : timeOf(message)));
  return node;
}

// Numbers of the photographs of a chat, by message.
export class PhotoNumbers {
  #numbers = new Map();

  of(message) {
    const id = message.message_id;
    if (!this.#numbers.has(id)) this.#numbers.set(id, this.#numbers.size + 1);
    return this.#numbers.get(id);
  }
}

function renderQuote(message, photos) {
  const placeholder = message.photo ? `Photograph ${photos.of(message)}` : `File: ${message.document?.file_name ?? "unknown"}`;
  return element("div", "quote", message.text || message.caption || placeholder);
}

function renderPhoto(message, photos) {
  const original = message.reply_to_message?.photo && message.reply_to_message;
  const node = element("img");
  node.src = `sim/files/${message.photo.at(-1).file_id}`;
  node.alt = message.from.is_bot && original
    ? `Photograph ${photos.of(original)} as the bot answered it at ${timeOf(message)}`
    : `Photograph ${photos.of(message)}, sent by ${senderOf(message)} at ${timeOf(message)}`;
  return node;
}

function renderButtons(row, onPress) {
  const node = element("div", "row");
  for (const item of row) {
    const button = item.url ? link(item.url, "button") : element("button", "button");
    button.textContent = item.text;
    if (item.callback_data !== undefined) {
      button.type = "button";
      button.dataset.data = item.callback_data;
      button.onclick = () => onPress(item.callback_data);
    }
    node.append(button);
  }
  return node;
}

function senderOf(message) {
  return message.from.is_bot ? "Bot" : message.from.first_name;
}

function timeOf(message) {
  const date = new Date((message.edit_date ?? message.date) * 1000);
  return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
