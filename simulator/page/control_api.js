// Client of the simulator's control API.
const TIMEOUT_MS = 20_000;

// A request that failed. `status` is that of the HTTP response; 0 if the simulator did not answer.
export class RequestError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

// All requests throw `RequestError`.
export class ControlApi {
  get(path) {
    return this.#request(path, {});
  }

  post(path, body) {
    return this.#request(path, { method: "POST", body: JSON.stringify(body) });
  }

  // Uploads bytes; returns their file id.
  upload(name, blob) {
    const query = new URLSearchParams({ name, mime: blob.type || "application/octet-stream" });
    return this.#request(`sim/files?${query}`, { method: "POST", body: blob });
  }

  async #request(path, options) {
    let response, content;
    try {
      response = await fetch(path, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
      content = await response.json();
    } catch {
      throw new RequestError("There is no connection to the simulator.", response?.ok ? 0 : response?.status ?? 0);
    }
    if (content.error) throw new RequestError(content.error, response.status);
    return content.result;
  }
}
