// Renders one message. `onPress` is called with the data of a pressed button.
import { element, link } from "./element.js";
import { renderEntities } from "./entities.js";

export function renderMessage(message, onPress) {
  const node = element("article", message.from.is_bot ? "message bot" : "message");
  node.dataset.messageId = message.message_id;
  if (message.reply_to_message) node.append(renderQuote(message.reply_to_message));
  if (message.photo) node.append(renderPhoto(message));
  else if (message.document) node.append(element("div", "quote", `File: ${message.document.file_name}`));
  const text = message.text ?? message.caption;
  if (text) {
    const block = element("div", "text");
    block.append(renderEntities(text, message.entities ?? message.caption_entities ?? []));
    node.append(block);
  }
  for (const row of message.reply_markup?.inline_keyboard ?? []) node.append(renderButtons(row, onPress));
  node.append(element("footer", "", formatTime(message)));
  return node;
}

function renderQuote(message) {
  const placeholder = message.photo ? "a photograph" : "a file";
  return element("div", "quote", message.text || message.caption || placeholder);
}

function renderPhoto(message) {
  const largest = message.photo.at(-1);
  const node = element("img");
  node.src = `sim/files/${largest.file_id}`;
  node.alt = message.from.is_bot ? "the bot's picture" : "a photograph";
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

function formatTime(message) {
  const date = new Date((message.edit_date ?? message.date) * 1000);
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return message.edit_date ? `edited ${time}` : time;
}
