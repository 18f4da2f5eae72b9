// Client of the simulator's control API. It reports errors to `onError` and throws them.
export class ControlApi {
  constructor(onError) {
    this.onError = onError;
  }

  get(path) {
    return this.#request(path, {});
  }

  post(path, body) {
    return this.#request(path, { method: "POST", body: JSON.stringify(body) });
  }

  // Uploads a file; returns its file id.
  upload(file) {
    const query = new URLSearchParams({ name: file.name, mime: file.type || "application/octet-stream" });
    return this.#request(`sim/files?${query}`, { method: "POST", body: file });
  }

  async #request(path, options) {
    const response = await (await fetch(path, options)).json();
    if (response.error) {
      this.onError(response.error);
      throw new Error(response.error);
    }
    return response.result;
  }
}
