// Creates elements. Text is added as text nodes only, never as HTML.
export function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// A link to a web page. Any other address, such as javascript:, becomes plain text.
export function link(address, className) {
  if (!/^https?:\/\//i.test(address)) return element("span", className);
  const node = element("a", className);
  node.href = address;
  node.target = "_blank";
  node.rel = "noreferrer noopener";
  return node;
}
