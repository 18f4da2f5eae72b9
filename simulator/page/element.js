// Makes elements. Texts go into the page as text nodes only, never as HTML.
export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// A link to the web; anything else, such as javascript:, becomes plain text.
export function link(address, className) {
  if (!/^https?:\/\//i.test(address)) return element("span", className);
  const made = element("a", className);
  made.href = address;
  made.target = "_blank";
  made.rel = "noreferrer noopener";
  return made;
}
