// A text with Telegram's entities, as nodes. Offsets count UTF-16 code units, as JavaScript does.
import { element, link } from "./element.js";

const TAGS = {
  bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote",
};

// Entities are nested, never crossing: each level takes those that begin within it.
export function formatted(text, entities, from = 0, to = text.length) {
  const made = document.createDocumentFragment();
  let at = from;
  entities.forEach((one, number) => {
    const end = one.offset + one.length;
    if (one.offset < at || end > to) return;
    made.append(text.slice(at, one.offset));
    const wrapped = wrapping(one);
    wrapped.append(formatted(text, entities.slice(number + 1), one.offset, end));
    made.append(wrapped);
    at = end;
  });
  made.append(text.slice(at, to));
  return made;
}

function wrapping(entity) {
  if (entity.type === "text_link") return link(entity.url);
  if (entity.type === "spoiler") return spoiler();
  return TAGS[entity.type] ? element(TAGS[entity.type]) : document.createDocumentFragment();
}

function spoiler() {
  const made = element("span", "spoiler");
  made.tabIndex = 0;
  made.title = "Show what is hidden";
  made.onclick = made.onkeydown = () => made.classList.add("shown");
  return made;
}
