// The chat page: shows the events of a chat and sends the actions of the selected user.
import { ControlApi } from "./control_api.js";
import { PhotoNumbers, renderMessage } from "./message.js";
import { PendingMessages } from "./pending_messages.js";
import { Users } from "./users.js";

const ACTIONS = {
  typing: "typing…", upload_photo: "sending a photo…", upload_document: "sending a file…",
};
const NO_CONNECTION = "No connection to the simulator.";
const RETRY_MS = 1000;
const ACTION_MS = 5000;
const TOAST_MS = 6000;
const NEAR_END_PX = 60;

const byId = (id) => document.getElementById(id);
const chat = byId("chat");
const messages = byId("messages");
const api = new ControlApi();
const users = new Users(api, byId("users"), subscribe);
const pending = new PendingMessages(api, byId("pending"), showConnection);
let stream = null;
let retryTimer = null;
// What keeps the page from receiving messages; empty if nothing does.
let problem = "";
// The events of a stream that has not sent all messages of the chat yet.
let replayed = null;
let photos = new PhotoNumbers();
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

function showConnection() {
  const count = pending.waiting;
  const waiting = count === 1 ? "One message waits and is sent by itself." : `${count} messages wait and are sent by themselves.`;
  const text = [problem || (count ? NO_CONNECTION : ""), count ? waiting : ""].filter(Boolean).join(" ");
  // A status that is written again is read out again.
  if (byId("connection").textContent !== text) byId("connection").textContent = text;
  scrollToEnd();
}

function setProblem(text) {
  problem = text;
  showConnection();
}

function subscribe() {
  stream?.close();
  clearTimeout(retryTimer);
  pending.select(users.selected);
  messages.replaceChildren();
  isAtEnd = true;
  stream = new EventSource(`sim/chats/${users.selected.id}/events`);
  // Each connection begins with all messages, so it replaces what is shown.
  stream.onopen = () => { replayed = []; chat.setAttribute("aria-busy", "true"); };
  stream.onerror = () => {
    setProblem(problem || NO_CONNECTION);
    if (stream.readyState === EventSource.CLOSED) retryTimer = setTimeout(recover, RETRY_MS);
  };
  stream.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.kind === "ready") showReplayed();
    else if (replayed) replayed.push(event);
    else showEvent(event);
  };
}

// The simulator refused the stream, or does not answer: it has been restarted, or no bot has called it yet.
async function recover() {
  const refused = stream;
  try {
    await users.restore();
    setProblem((await api.get("sim/bots")).length ? "" : "Waiting for a bot to start…");
  } catch {
    setProblem(NO_CONNECTION);
  }
  if (stream === refused) subscribe();
}

function showReplayed() {
  const events = replayed ?? [];
  const hadFocus = messages.contains(document.activeElement);
  replayed = null;
  photos = new PhotoNumbers();
  messages.replaceChildren();
  events.forEach(showEvent);
  chat.removeAttribute("aria-busy");
  if (hadFocus) chat.focus();
  showAction("");
  setProblem("");
  pending.flush();
}

function showEvent(event) {
  if (event.kind === "message") showMessage(event.message);
  if (event.kind === "deleted") findMessage(event.message_id)?.remove();
  if (event.kind === "toast") showToast(event.text);
  if (event.kind === "action") showAction(ACTIONS[event.action] ?? "busy…");
}

function findMessage(id) {
  return messages.querySelector(`[data-message-id="${id}"]`);
}

function showMessage(message) {
  const node = renderMessage(message, photos, (data) => press(message, data));
  const old = findMessage(message.message_id);
  const hadFocus = old?.contains(document.activeElement);
  if (old) old.replaceWith(node); else messages.append(node);
  if (hadFocus) (node.querySelector("button") ?? chat).focus();
  isAtEnd ||= !old;
  scrollToEnd();
  if (message.from.is_bot) showAction("");
}

function press(message, data) {
  report(api.post(`sim/users/${users.selected.id}/button_presses`, { message_id: message.message_id, data }));
}

// Shows why a request failed. What the user asked for is not kept: it has to be asked for again.
function report(request) {
  return request.catch((error) => showToast(`${error.message} Please try again.`));
}

// Also called when an image has loaded, since its height is unknown before.
function scrollToEnd() {
  if (isAtEnd) chat.scrollTop = chat.scrollHeight;
}

function sendFiles(files, kindOf) {
  if (!users.selected) showToast(`${NO_CONNECTION} Please try again.`);
  else for (const file of files) pending.addFile(file, kindOf(file));
}

function sendTransferred(files) {
  sendFiles(files, (file) => (byId("as-file").checked || !file.type.startsWith("image/") ? "document" : "photo"));
}

async function createUser() {
  await users.create(byId("name").value, byId("language").value);
  byId("name").value = users.unusedName;
  byId("new-user").closest("details").open = false;
  byId("text").focus();
}

// The simulator may start after the page was opened, or be restarted meanwhile.
async function load() {
  try {
    await users.load(byId("language").value);
    byId("name").value = users.unusedName;
  } catch {
    setProblem(NO_CONNECTION);
    setTimeout(load, RETRY_MS);
  }
}

chat.onscroll = () => { isAtEnd = chat.scrollHeight - chat.scrollTop - chat.clientHeight < NEAR_END_PX; };
chat.addEventListener("load", scrollToEnd, true);
byId("composer").onsubmit = (event) => {
  event.preventDefault();
  const text = byId("text").value.trim();
  if (!users.selected) return;
  byId("text").value = "";
  isAtEnd = true;
  if (text) pending.addText(text);
};
for (const [id, kind] of [["photo", "photo"], ["document", "document"]]) {
  byId(id).onchange = () => {
    sendFiles(byId(id).files, () => kind);
    byId(id).value = "";
  };
}
byId("new-user").onsubmit = (event) => {
  event.preventDefault();
  report(createUser());
};
document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dragging"); });
document.addEventListener("dragleave", () => document.body.classList.remove("dragging"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  sendTransferred(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => sendTransferred(event.clipboardData.files));
addEventListener("online", () => pending.flush());
// A reload would lose what waits, so the browser asks first.
addEventListener("beforeunload", (event) => { if (pending.size) event.preventDefault(); });

load();
