// Speaks the stand-in's own API. Errors are told with `told`, and thrown.
export class StandIn {
  constructor(told) {
    this.told = told;
  }

  get(path) {
    return this.#ask(path, {});
  }

  post(path, what) {
    return this.#ask(path, { method: "POST", body: JSON.stringify(what) });
  }

  // Bring a file; gives the handle under which it is kept.
  upload(file) {
    const query = new URLSearchParams({ name: file.name, mime: file.type || "application/octet-stream" });
    return this.#ask(`sim/files?${query}`, { method: "POST", body: file });
  }

  async #ask(path, options) {
    const reply = await (await fetch(path, options)).json();
    if (reply.error) {
      this.told(reply.error);
      throw new Error(reply.error);
    }
    return reply.result;
  }
}
