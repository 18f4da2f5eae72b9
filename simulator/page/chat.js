// A chat with the bot. Texts go into the page as text nodes only, never as HTML.
const chat = document.getElementById("chat");
const action = document.getElementById("action");
const toast = document.getElementById("toast");
const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote" };
const ACTIONS = { typing: "typing…", upload_photo: "sending a photo…" };
let person = null;
let stream = null;
let fading = null;

async function ask(path, what) {
  const options = what === undefined ? {} : { method: "POST", body: JSON.stringify(what) };
  const reply = await (await fetch(path, options)).json();
  if (reply.error) { say(reply.error); throw new Error(reply.error); }
  return reply.result;
}

function say(text) {
  toast.textContent = text;
  toast.hidden = false;
  setTimeout(() => { toast.hidden = true; }, 4000);
}

async function begin() {
  const first_name = document.getElementById("name").value || "Anna";
  const language_code = document.getElementById("language").value;
  person = (await ask("sim/people", { first_name, language_code })).id;
  chat.replaceChildren();
  listen();
}

function listen() {
  stream?.close();
  stream = new EventSource(`sim/chats/${person}/live`);
  // Before the bot has called for the first time there is nothing to listen to.
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 1000); };
  stream.onmessage = (event) => {
    const news = JSON.parse(event.data);
    if (news.kind === "message") show(news.message);
    if (news.kind === "deleted") document.querySelector(`[data-message-id="${news.message_id}"]`)?.remove();
    if (news.kind === "toast") say(news.text);
    if (news.kind === "action") act(ACTIONS[news.action] || news.action);
  };
}

function act(text) {
  action.textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => { action.textContent = ""; }, 5000);
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// Entities are nested, never crossing: each level takes those that begin within it.
function formatted(text, entities, from = 0, to = text.length) {
  const made = document.createDocumentFragment();
  let at = from;
  for (let i = 0; i < entities.length; i++) {
    const one = entities[i];
    if (one.offset < at || one.offset + one.length > to) continue;
    made.append(text.slice(at, one.offset));
    const inner = entities.filter((other, j) => j > i && other.offset + other.length <= one.offset + one.length);
    const piece = formatted(text, inner, one.offset, one.offset + one.length);
    const tag = TAGS[one.type];
    if (tag) { const wrapped = document.createElement(tag); wrapped.append(piece); made.append(wrapped); }
    else made.append(piece);
    at = one.offset + one.length;
  }
  made.append(text.slice(at, to));
  return made;
}

function down() {
  chat.scrollTop = chat.scrollHeight;
}

function show(message) {
  const bubble = element("article", message.from.is_bot ? "message bot" : "message");
  bubble.dataset.messageId = message.message_id;
  if (message.reply_to_message) {
    const about = message.reply_to_message;
    bubble.append(element("div", "reply", about.text || about.caption || (about.photo ? "your photograph" : "your file")));
  }
  if (message.photo) {
    const picture = element("img");
    picture.src = `sim/files/${message.photo.at(-1).file_id}`;
    picture.alt = message.from.is_bot ? "the photograph with the bot's drawing" : "a photograph";
    picture.onload = down;
    bubble.append(picture);
  }
  if (message.document && !message.photo) bubble.append(element("div", "reply", `File: ${message.document.file_name}`));
  const words = message.text ?? message.caption;
  if (words) {
    const line = element("div", "words");
    line.append(formatted(words, message.entities || message.caption_entities || []));
    bubble.append(line);
  }
  for (const row of message.reply_markup?.inline_keyboard || []) {
    const line = element("div", "row");
    for (const one of row) {
      const button = element("button", "button", one.text);
      button.type = "button";
      button.dataset.data = one.callback_data;
      button.onclick = () => ask(`sim/people/${person}/presses`, { message_id: message.message_id, data: one.callback_data });
      line.append(button);
    }
    bubble.append(line);
  }
  const time = new Date(message.date * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  bubble.append(element("footer", "", message.edit_date ? `edited ${time}` : time));
  const old = document.querySelector(`[data-message-id="${message.message_id}"]`);
  if (old) old.replaceWith(bubble); else chat.append(bubble);
  if (message.from.is_bot) action.textContent = "";
  if (!old) down();
}

async function send(file, kind) {
  const query = new URLSearchParams({ name: file.name, mime: file.type || "application/octet-stream" });
  const reply = await (await fetch(`sim/files?${query}`, { method: "POST", body: file })).json();
  await ask(`sim/people/${person}/messages`, { kind, file: reply.result });
}

document.getElementById("composer").onsubmit = async (event) => {
  event.preventDefault();
  const text = document.getElementById("text");
  const words = text.value.trim();
  if (!words) return;
  text.value = "";
  await ask(`sim/people/${person}/messages`, { kind: "text", text: words });
};
for (const [id, kind] of [["file", "photo"], ["document", "document"]]) {
  const input = document.getElementById(id);
  input.onchange = async () => { for (const file of [...input.files]) await send(file, kind); input.value = ""; };
}
document.getElementById("anew").onclick = begin;
document.getElementById("language").onchange = begin;
document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
document.addEventListener("dragleave", () => document.body.classList.remove("over"));
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  for (const file of event.dataTransfer.files) await send(file, file.type.startsWith("image/") ? "photo" : "document");
});
document.addEventListener("paste", async (event) => {
  for (const file of event.clipboardData.files) await send(file, "photo");
});
begin();
