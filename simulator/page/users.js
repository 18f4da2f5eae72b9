// The list of users, and the selected user, in whose name the page writes. The selection survives a reload of the page.
import { element } from "./element.js";

const SELECTED_KEY = "user";
const NAMES = ["Anna", "Boris", "Clara", "Dmitri", "Elena", "Felix", "Galina", "Hugo", "Irina", "Jonas", "Katya", "Leo"];
const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

export class Users {
  // Pairs of a user and the user's item in the list, in its order.
  #items = [];

  constructor(api, list, onSelect) {
    this.api = api;
    this.list = list;
    this.onSelect = onSelect;
    this.selected = null;
    list.onkeydown = (event) => this.#onKey(event);
  }

  // The first name that no user in the list has.
  get unusedName() {
    return NAMES.find((name) => this.#items.every(([user]) => user.first_name !== name)) ?? NAMES[0];
  }

  async load(language) {
    const users = await this.api.get("sim/users?latest=30");
    users.forEach((user) => this.#add(user));
    const id = Number(sessionStorage.getItem(SELECTED_KEY));
    const known = users.find((user) => user.id === id);
    if (known) this.#select(known);
    else await this.create(this.unusedName, language);
  }

  async create(name, language) {
    const user = await this.#register(name || this.unusedName, language);
    this.#add(user);
    this.#select(user);
  }

  // After a restart the simulator does not know the selected user any more: it gets a new one of the same name.
  async restore() {
    const { id, first_name: name, language_code: language } = this.selected;
    const known = await this.api.get("sim/users?latest=1000");
    if (known.some((user) => user.id === id && user.first_name === name && user.language_code === language)) return;
    Object.assign(this.selected, await this.#register(name, language));
    const item = this.#items.find(([user]) => user === this.selected)[1];
    this.#fill(item, this.selected);
    sessionStorage.setItem(SELECTED_KEY, this.selected.id);
  }

  #register(name, language) {
    return this.api.post("sim/users", { first_name: name, language_code: language });
  }

  #add(user) {
    const item = element("li", "user");
    item.setAttribute("role", "option");
    item.onclick = () => { this.#select(user); item.focus(); };
    this.#fill(item, user);
    this.#items.unshift([user, item]);
    this.list.prepend(item);
  }

  #fill(item, user) {
    item.dataset.user = user.id;
    // The id tells users of one name apart.
    item.replaceChildren(element("span", "", user.first_name), " ", element("small", "", `${user.language_code} ${user.id}`));
  }

  // One stop of the Tab key for the whole list. The arrow keys move within it, Enter and Space select.
  #onKey(event) {
    const items = this.#items.map(([, item]) => item);
    const index = items.indexOf(document.activeElement);
    if (event.key in STEPS) {
      const next = items[Math.max(0, Math.min(items.length - 1, index + STEPS[event.key]))];
      this.#makeTabStop(next);
      next.focus();
    } else if ((event.key === "Enter" || event.key === " ") && index >= 0) {
      this.#select(this.#items[index][0]);
    } else {
      return;
    }
    event.preventDefault();
  }

  #select(user) {
    this.selected = user;
    sessionStorage.setItem(SELECTED_KEY, user.id);
    for (const [other, item] of this.#items) {
      item.setAttribute("aria-selected", String(other === user));
      if (other === user) this.#makeTabStop(item);
    }
    this.onSelect();
  }

  #makeTabStop(item) {
    for (const [, other] of this.#items) other.tabIndex = other === item ? 0 : -1;
  }
}
