// One message as it is seen in the chat. `press` is called with the data of a button.
import { element, link } from "./element.js";
import { formatted } from "./formatted.js";

export function bubble(message, press) {
  const made = element("article", message.from.is_bot ? "message bot" : "message");
  made.dataset.messageId = message.message_id;
  if (message.reply_to_message) made.append(quote(message.reply_to_message));
  if (message.photo) made.append(picture(message));
  else if (message.document) made.append(element("div", "quote", `File: ${message.document.file_name}`));
  const words = message.text ?? message.caption;
  if (words) {
    const line = element("div", "words");
    line.append(formatted(words, message.entities ?? message.caption_entities ?? []));
    made.append(line);
  }
  for (const row of message.reply_markup?.inline_keyboard ?? []) made.append(keys(row, press));
  made.append(element("footer", "", time(message)));
  return made;
}

function quote(message) {
  const what = message.photo ? "a photograph" : "a file";
  return element("div", "quote", message.text || message.caption || what);
}

function picture(message) {
  const shown = message.photo.at(-1);
  const made = element("img");
  made.src = `sim/files/${shown.file_id}`;
  made.alt = message.from.is_bot ? "the bot's picture" : "a photograph";
  return made;
}

function keys(row, press) {
  const line = element("div", "row");
  for (const one of row) {
    const made = one.url ? link(one.url, "button") : element("button", "button");
    made.textContent = one.text;
    if (one.callback_data !== undefined) {
      made.type = "button";
      made.dataset.data = one.callback_data;
      made.onclick = () => press(one.callback_data);
    }
    line.append(made);
  }
  return line;
}

function time(message) {
  const at = new Date((message.edit_date ?? message.date) * 1000);
  const shown = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return message.edit_date ? `edited ${shown}` : shown;
}
