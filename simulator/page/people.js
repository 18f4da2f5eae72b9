// Who one can be on this page, and who one is. The one chosen stays chosen when the page is loaded again.
import { element } from "./element.js";

const KEPT = "person";

export class People {
  constructor(standIn, list, chosen) {
    this.standIn = standIn;
    this.list = list;
    this.chosen = chosen;
    this.id = null;
  }

  async begin(form) {
    const known = await this.standIn.get("sim/people?latest=30");
    known.forEach((person) => this.#add(person));
    const before = Number(sessionStorage.getItem(KEPT));
    if (known.some((person) => person.id === before)) this.#choose(before);
    else await this.come(form);
  }

  async come(form) {
    const what = { first_name: form.name || "Anna", language_code: form.language };
    const person = await this.standIn.post("sim/people", what);
    this.#add(person);
    this.#choose(person.id);
  }

  #add(person) {
    const button = element("button", "person", person.first_name);
    button.type = "button";
    button.dataset.person = person.id;
    button.append(element("small", "", person.language_code));
    button.onclick = () => this.#choose(person.id);
    const item = element("li");
    item.append(button);
    this.list.prepend(item);
  }

  #choose(id) {
    this.id = id;
    sessionStorage.setItem(KEPT, id);
    for (const one of this.list.querySelectorAll("button")) {
      one.setAttribute("aria-current", String(Number(one.dataset.person) === id));
    }
    this.chosen(id);
  }
}
