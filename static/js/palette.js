// The palette: Ctrl-K opens it, arrows move, Enter opens, Ctrl-Enter opens a new tab.
const palette = document.getElementById("palette");
const input = document.getElementById("pal-q");
const list = document.getElementById("pal-list");

// What can be done on this page: its buttons and links, as far as they may be pressed.
const ACTS = "main .head .actions :is(a, button), main .moves button, main .editor-head :is(a.btn, button.btn)";
let acts = [];

function offerActs() {
  const typed = input.value.trim().toLowerCase();
  acts = [...document.querySelectorAll(ACTS)].filter(
    (one) => one.getAttribute("aria-disabled") !== "true" && !one.disabled && one.textContent.trim().toLowerCase().includes(typed),
  );
  if (!acts.length || document.querySelector("main.home")) return;
  const head = document.createElement("h3");
  head.textContent = list.dataset.here;
  const rows = acts.slice(0, 8).map((act, at) => {
    const row = document.createElement("button");
    row.type = "button";
    row.id = `act${at}`;
    row.dataset.act = at;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", "false");
    const icon = act.querySelector("svg")?.cloneNode(true);
    const words = document.createElement("b");
    words.textContent = act.textContent.trim();
    const cell = document.createElement("span");
    cell.append(words);
    row.append(...(icon ? [icon, cell] : [document.createElement("span"), cell]));
    return row;
  });
  if (typed) list.append(head, ...rows);
  else list.prepend(head, ...rows);
  list.querySelector(".empty")?.remove();
}

function press(option) {
  const act = acts[Number(option.dataset.act)];
  palette.close();
  act.click();
}

const options = () => [...list.querySelectorAll('[role="option"]')];

function choose(option) {
  options().forEach((other) => other.setAttribute("aria-selected", String(other === option)));
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

function open(text) {
  if (palette.open) return;
  palette.showModal();
  input.value = text || "";
  input.select();
  input.dispatchEvent(new Event("palette-open"));
}

if (palette) {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open("");
    }
  });
  document.querySelectorAll("[data-palette-open] kbd").forEach((key) => key.addEventListener("click", () => open("")));
  list.addEventListener("htmx:afterSwap", () => {
    offerActs();
    choose(options()[0]);
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("button[data-act]");
    if (option) press(option);
  });
  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (all.length) choose(all[(at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length]);
    } else if (event.key === "Enter" && all[at]) {
      event.preventDefault();
      if (all[at].dataset.act) press(all[at]);
      else if (event.ctrlKey || event.metaKey) window.open(all[at].href, "_blank", "noopener");
      else window.location.assign(all[at].href);
    }
  });
}
