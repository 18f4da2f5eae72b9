// The list of users, and the selected user, in whose name the page writes. The selection survives a reload of the page.
import { element } from "./element.js";

const SELECTED_KEY = "user";

export class Users {
  constructor(api, list, onSelect) {
    this.api = api;
    this.list = list;
    this.onSelect = onSelect;
    this.id = null;
  }

  async load(form) {
    const users = await this.api.get("sim/users?latest=30");
    users.forEach((user) => this.#add(user));
    const selected = Number(sessionStorage.getItem(SELECTED_KEY));
    if (users.some((user) => user.id === selected)) this.#select(selected);
    else await this.create(form);
  }

  async create(form) {
    const body = { first_name: form.name || "Anna", language_code: form.language };
    const user = await this.api.post("sim/users", body);
    this.#add(user);
    this.#select(user.id);
  }

  #add(user) {
    const button = element("button", "user", user.first_name);
    button.type = "button";
    button.dataset.user = user.id;
    button.append(element("small", "", user.language_code));
    button.onclick = () => this.#select(user.id);
    const item = element("li");
    item.append(button);
    this.list.prepend(item);
  }

  #select(id) {
    this.id = id;
    sessionStorage.setItem(SELECTED_KEY, id);
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-current", String(Number(button.dataset.user) === id));
    }
    this.onSelect(id);
  }
}
