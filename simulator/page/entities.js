// Renders a text with Telegram's entities as nodes. Offsets count UTF-16 code units, as JavaScript strings do.
import { element, link } from "./element.js";

const TAGS = {
  bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote",
};

// Entities are nested and never overlap partly: each level renders those that start within it.
export function renderEntities(text, entities, from = 0, to = text.length) {
  const fragment = document.createDocumentFragment();
  let position = from;
  entities.forEach((entity, index) => {
    const end = entity.offset + entity.length;
    if (entity.offset < position || end > to) return;
    fragment.append(text.slice(position, entity.offset));
    const node = createNode(entity);
    node.append(renderEntities(text, entities.slice(index + 1), entity.offset, end));
    fragment.append(node);
    position = end;
  });
  fragment.append(text.slice(position, to));
  return fragment;
}

function createNode(entity) {
  if (entity.type === "text_link") return link(entity.url);
  if (entity.type === "spoiler") return spoiler();
  return TAGS[entity.type] ? element(TAGS[entity.type]) : document.createDocumentFragment();
}

function spoiler() {
  const node = element("span", "spoiler");
  node.tabIndex = 0;
  node.role = "button";
  node.title = "Show hidden text";
  const show = () => node.classList.add("shown");
  node.onclick = show;
  node.onkeydown = ({ key }) => { if (key === "Enter" || key === " ") show(); };
  return node;
}
