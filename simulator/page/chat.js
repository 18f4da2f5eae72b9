// A chat with the bot: what happens there is listened to, what a person does is sent.
import { bubble } from "./bubble.js";
import { People } from "./people.js";
import { StandIn } from "./standin.js";

const ACTIONS = {
  typing: "typing…", upload_photo: "sending a photo…", upload_document: "sending a file…",
};
const AGAIN_MS = 1000;
const ACTION_MS = 5000;
const TOAST_MS = 4000;
const NEAR_PX = 60;

const at = (id) => document.getElementById(id);
const chat = at("chat");
const standIn = new StandIn(say);
const people = new People(standIn, at("people"), listen);
let stream = null;
let fading = null;
let hiding = null;
let atEnd = true;

function say(text) {
  at("toast").textContent = text;
  at("toast").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { at("toast").hidden = true; }, TOAST_MS);
}

function act(text) {
  at("action").textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => { at("action").textContent = ""; }, ACTION_MS);
}

function listen() {
  stream?.close();
  chat.replaceChildren();
  stream = new EventSource(`sim/chats/${people.id}/live`);
  // It tells everything again after a break.
  stream.onopen = () => { chat.replaceChildren(); act(""); };
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    act("waiting for a bot to call…");
    setTimeout(listen, AGAIN_MS);
  };
  stream.onmessage = (event) => {
    const news = JSON.parse(event.data);
    if (news.kind === "message") show(news.message);
    if (news.kind === "deleted") bubbleOf(news.message_id)?.remove();
    if (news.kind === "toast") say(news.text);
    if (news.kind === "action") act(ACTIONS[news.action] ?? "busy…");
  };
}

function bubbleOf(id) {
  return chat.querySelector(`[data-message-id="${id}"]`);
}

function show(message) {
  const press = (data) => standIn.post(`sim/people/${people.id}/presses`, { message_id: message.message_id, data });
  const made = bubble(message, press);
  const old = bubbleOf(message.message_id);
  if (old) old.replaceWith(made); else chat.append(made);
  atEnd ||= !old;
  follow();
  if (message.from.is_bot) act("");
}

// Pictures need their place only when they have come.
function follow() {
  if (atEnd) chat.scrollTop = chat.scrollHeight;
}

async function send(files, kind) {
  for (const file of [...files]) {
    await standIn.post(`sim/people/${people.id}/messages`, { kind, file: await standIn.upload(file) });
  }
}

function kindOf(file) {
  return at("as-file").checked || !file.type.startsWith("image/") ? "document" : "photo";
}

async function sendEach(files) {
  for (const file of [...files]) await send([file], kindOf(file));
}

chat.onscroll = () => { atEnd = chat.scrollHeight - chat.scrollTop - chat.clientHeight < NEAR_PX; };
chat.addEventListener("load", follow, true);
at("composer").onsubmit = async (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  at("text").value = "";
  if (text) await standIn.post(`sim/people/${people.id}/messages`, { kind: "text", text });
};
for (const [id, kind] of [["file", "photo"], ["document", "document"]]) {
  at(id).onchange = async () => { await send(at(id).files, kind); at(id).value = ""; };
}
at("newcomer").onsubmit = async (event) => {
  event.preventDefault();
  await people.come(newcomer());
  at("newcomer").closest("details").open = false;
  at("text").focus();
};
document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
document.addEventListener("dragleave", () => document.body.classList.remove("over"));
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  await sendEach(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => sendEach(event.clipboardData.files));

function newcomer() {
  return { name: at("name").value, language: at("language").value };
}

people.begin(newcomer());
