// The chat page: shows the events of a chat and sends the actions of the selected user.
import { ControlApi } from "./control_api.js";
import { renderMessage } from "./message.js";
import { Users } from "./users.js";

const ACTIONS = {
  typing: "typing…", upload_photo: "sending a photo…", upload_document: "sending a file…",
};
const RETRY_MS = 1000;
const ACTION_MS = 5000;
const TOAST_MS = 4000;
const NEAR_END_PX = 60;

const byId = (id) => document.getElementById(id);
const chat = byId("chat");
const api = new ControlApi(showToast);
const users = new Users(api, byId("users"), subscribe);
let stream = null;
let actionTimer = null;
let toastTimer = null;
let isAtEnd = true;

function showToast(text) {
  byId("toast").textContent = text;
  byId("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { byId("toast").hidden = true; }, TOAST_MS);
}

function showAction(text) {
  byId("action").textContent = text;
  clearTimeout(actionTimer);
  actionTimer = setTimeout(() => { byId("action").textContent = ""; }, ACTION_MS);
}

function subscribe() {
  stream?.close();
  chat.replaceChildren();
  stream = new EventSource(`sim/chats/${users.id}/events`);
  // After a reconnection the stream repeats all messages.
  stream.onopen = () => { chat.replaceChildren(); showAction(""); };
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    showAction("waiting for a bot to call…");
    setTimeout(subscribe, RETRY_MS);
  };
  stream.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.kind === "message") showMessage(event.message);
    if (event.kind === "deleted") findMessage(event.message_id)?.remove();
    if (event.kind === "toast") showToast(event.text);
    if (event.kind === "action") showAction(ACTIONS[event.action] ?? "busy…");
  };
}

function findMessage(id) {
  return chat.querySelector(`[data-message-id="${id}"]`);
}

function showMessage(message) {
  const press = (data) => api.post(`sim/users/${users.id}/button_presses`, { message_id: message.message_id, data });
  const node = renderMessage(message, press);
  const old = findMessage(message.message_id);
  if (old) old.replaceWith(node); else chat.append(node);
  isAtEnd ||= !old;
  scrollToEnd();
  if (message.from.is_bot) showAction("");
}

// Also called when an image has loaded, since its height is unknown before.
function scrollToEnd() {
  if (isAtEnd) chat.scrollTop = chat.scrollHeight;
}

async function sendFiles(files, kind) {
  for (const file of [...files]) {
    await api.post(`sim/users/${users.id}/messages`, { kind, file: await api.upload(file) });
  }
}

function kindOf(file) {
  return byId("as-file").checked || !file.type.startsWith("image/") ? "document" : "photo";
}

async function sendTransferred(files) {
  for (const file of [...files]) await sendFiles([file], kindOf(file));
}

function newUserForm() {
  return { name: byId("name").value, language: byId("language").value };
}

chat.onscroll = () => { isAtEnd = chat.scrollHeight - chat.scrollTop - chat.clientHeight < NEAR_END_PX; };
chat.addEventListener("load", scrollToEnd, true);
byId("composer").onsubmit = async (event) => {
  event.preventDefault();
  const text = byId("text").value.trim();
  byId("text").value = "";
  if (text) await api.post(`sim/users/${users.id}/messages`, { kind: "text", text });
};
for (const [id, kind] of [["photo", "photo"], ["document", "document"]]) {
  byId(id).onchange = async () => { await sendFiles(byId(id).files, kind); byId(id).value = ""; };
}
byId("new-user").onsubmit = async (event) => {
  event.preventDefault();
  await users.create(newUserForm());
  byId("new-user").closest("details").open = false;
  byId("text").focus();
};
document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dragging"); });
document.addEventListener("dragleave", () => document.body.classList.remove("dragging"));
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  await sendTransferred(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => sendTransferred(event.clipboardData.files));

users.load(newUserForm());
