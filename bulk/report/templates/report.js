"use strict";
// The page is complete without this: it adds a filter, an order, and sections that open when a tile leads to them.
const cards = [...document.querySelectorAll(".card")];
const sections = [...document.querySelectorAll("details.section")];
const filter = document.getElementById("filter");
const found = document.getElementById("found");

function show() {
  const wanted = filter.value.trim().toLowerCase();
  let shown = 0;
  for (const card of cards) {
    card.hidden = !card.dataset.name.toLowerCase().includes(wanted);
    shown += card.hidden ? 0 : 1;
  }
  for (const section of sections) {
    const isEmpty = !section.querySelector(".card:not([hidden])");
    section.classList.toggle("empty", isEmpty);
    if (wanted && !isEmpty) section.open = true;
  }
  found.textContent = wanted ? `${shown} of ${cards.length} pictures on this page` : "";
}

function sort() {
  const byName = document.getElementById("sort").value === "name";
  for (const list of document.querySelectorAll(".cards")) {
    const order = (a, b) => byName
      ? a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true })
      : cards.indexOf(a) - cards.indexOf(b);
    list.append(...[...list.children].sort(order));
  }
}

function openTarget() {
  const section = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const details = section && section.querySelector("details.section");
  if (details && section.tagName === "SECTION") {
    details.open = true;
    section.scrollIntoView();
    section.focus({ preventScroll: true });
  }
}

let closed = [];
addEventListener("beforeprint", () => {
  closed = sections.filter((section) => !section.open);
  for (const section of closed) section.open = true;
});
addEventListener("afterprint", () => {
  for (const section of closed) section.open = false;
});
addEventListener("hashchange", openTarget);
for (const tile of document.querySelectorAll("a.tile")) {
  // A second press of the same tile changes no address.
  tile.addEventListener("click", () => setTimeout(openTarget));
}
filter.addEventListener("input", show);
document.getElementById("sort").addEventListener("change", sort);
document.getElementById("open").addEventListener("click", () => sections.forEach((section) => { section.open = true; }));
document.getElementById("close").addEventListener("click", () => sections.forEach((section) => { section.open = false; }));
document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("tools").hidden = cards.length < 2;
openTarget();
