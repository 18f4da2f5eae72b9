// Sends the users' messages in order. What cannot be sent now is shown, kept, and sent again.
import { element } from "./element.js";

const RETRY_MS = 2000;
// A message that is sent sooner is shown by the chat alone.
const SHOWN_AFTER_MS = 400;

const WAITING = "Not sent yet. It is sent once the connection is back.";
const NO_PHOTO = "IMAGE_PROCESS_FAILED";
const NO_BOT = 409;
const NO_USER = 404;

export class PendingMessages {
  #entries = new Set();
  #isSending = false;
  #timer = null;

  // `onChange` is called when something begins or ends to wait, or is shown.
  constructor(api, list, onChange) {
    this.api = api;
    this.list = list;
    this.onChange = onChange;
    this.user = null;
  }

  get size() {
    return this.#entries.size;
  }

  // How many messages, of all users, could not be sent and are tried again.
  get waiting() {
    return [...this.#entries].filter((entry) => entry.isWaiting).length;
  }

  // Shows the messages of `user` alone.
  select(user) {
    this.user = user;
    for (const entry of this.#entries) entry.node.hidden = entry.user !== user;
  }

  addText(text) {
    this.#add({ kind: "text", text });
  }

  // The bytes are read at once: the file may be changed or deleted while it waits.
  addFile(file, kind) {
    const bytes = file.arrayBuffer().then((buffer) => new Blob([buffer], { type: file.type }));
    bytes.catch(() => {});
    this.#add({ kind, file, bytes });
  }

  // Sends everything that waits, unless that is under way.
  async flush() {
    if (this.#isSending) return;
    this.#isSending = true;
    clearTimeout(this.#timer);
    try {
      // Messages that are added meanwhile are sent, too.
      for (const entry of this.#entries) if (!entry.refusal && !(await this.#try(entry))) break;
    } finally {
      this.#isSending = false;
    }
    if (this.waiting) this.#timer = setTimeout(() => this.flush(), RETRY_MS);
    this.onChange();
  }

  #add(content) {
    // The simulator takes a repeated request once: the reply to the first may have been lost.
    const entry = { ...content, user: this.user, requestId: crypto.randomUUID(), node: element("article", "message pending") };
    this.#entries.add(entry);
    this.#render(entry, "Sending…");
    setTimeout(() => { if (this.#entries.has(entry)) this.#show(entry); }, SHOWN_AFTER_MS);
    this.flush();
  }

  // Returns whether the next message may be tried.
  async #try(entry) {
    if (!entry.isWaiting) this.#render(entry, "Sending…");
    try {
      await this.#send(entry);
    } catch (error) {
      const isUnavailable = error.status === 0 || error.status >= 500 || error.status === NO_BOT;
      if (isUnavailable) {
        for (const other of this.#entries) if (!other.refusal) this.#wait(other);
      } else if (error.status === NO_USER) {
        this.#wait(entry);
      } else {
        entry.isWaiting = false;
        const reason = error.message.includes(NO_PHOTO) ? "it is no photograph. Send it as a file." : error.message;
        entry.refusal = `Not sent: ${reason}`;
        this.#render(entry, entry.refusal);
        this.#show(entry);
      }
      return !isUnavailable;
    }
    this.#remove(entry);
    return true;
  }

  #wait(entry) {
    if (entry.isWaiting) return;
    entry.isWaiting = true;
    this.#render(entry, WAITING);
    this.#show(entry);
  }

  async #send({ user, kind, text, file, bytes, requestId }) {
    const path = () => `sim/users/${user.id}/messages`;
    if (!file) return this.api.post(path(), { kind, text, request_id: requestId });
    const blob = await bytes.catch(() => { throw new Error(`${file.name} cannot be read.`); });
    const id = await this.api.upload(file.name, blob);
    return this.api.post(path(), { kind, file: id, request_id: requestId });
  }

  #remove(entry) {
    this.#entries.delete(entry);
    if (entry.node.contains(document.activeElement)) document.getElementById("text").focus();
    entry.node.remove();
    if (entry.preview) URL.revokeObjectURL(entry.preview);
    this.onChange();
  }

  #render(entry, state) {
    const content = [element("span", "visually-hidden", `${entry.user.first_name}: `)];
    if (entry.kind === "photo") content.push(this.#renderPreview(entry));
    else if (entry.file) content.push(element("div", "quote", `File: ${entry.file.name}`));
    if (entry.text) content.push(element("div", "text", entry.text));
    content.push(element("footer", "", state));
    if (entry.isWaiting || entry.refusal) content.push(this.#renderButtons(entry));
    const hadFocus = entry.node.contains(document.activeElement);
    entry.node.replaceChildren(...content);
    entry.node.hidden = entry.user !== this.user;
    if (hadFocus) entry.node.querySelector("button")?.focus();
  }

  #show(entry) {
    if (!entry.node.isConnected) this.list.append(entry.node);
    this.onChange();
  }

  #renderPreview(entry) {
    entry.preview ??= URL.createObjectURL(entry.file);
    const image = element("img");
    image.src = entry.preview;
    image.alt = `${entry.file.name}, not sent yet`;
    image.onerror = () => image.replaceWith(element("div", "quote", `File: ${entry.file.name}`));
    return image;
  }

  #renderButtons(entry) {
    const row = element("div", "row");
    const again = element("button", "button", entry.refusal ? "Send again" : "Send now");
    again.onclick = () => { entry.refusal = ""; this.flush(); };
    const remove = element("button", "button", "Do not send");
    remove.onclick = () => this.#remove(entry);
    for (const button of [again, remove]) button.type = "button";
    row.append(again, remove);
    return row;
  }
}
