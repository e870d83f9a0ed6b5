// A record picker: typing searches, arrows move, Enter takes, Escape closes. Without this file the text is the answer.
const WAIT = 160;
const SELECTOR = "[data-picker] [role=combobox]";
let asked = 0;
let timer = 0;

const parts = (input) => {
  const box = input.closest("[data-picker]");
  return { box, list: box.querySelector("[role=listbox]"), key: box.querySelector("input[type=hidden]"), told: box.querySelector("[role=status]") };
};
const optionsOf = (list) => [...list.querySelectorAll("[data-key]")];

function close(input) {
  const { list } = parts(input);
  clearTimeout(timer);
  asked += 1;
  list.hidden = true;
  list.replaceChildren();
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

function mark(input, option) {
  for (const other of optionsOf(parts(input).list)) other.setAttribute("aria-selected", String(other === option));
  if (!option) return input.removeAttribute("aria-activedescendant");
  input.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function take(input, option) {
  const { key } = parts(input);
  key.value = option.dataset.key;
  input.value = option.querySelector(".label").textContent;
  close(input);
  input.focus();
  key.dispatchEvent(new Event("change", { bubbles: true }));
}

async function look(input, typed) {
  const { box, list, told } = parts(input);
  const mine = ++asked;
  const answer = await fetch(`${box.dataset.picker}&q=${encodeURIComponent(typed)}`);
  if (mine !== asked || !answer.ok || answer.redirected) return;
  list.innerHTML = await answer.text();
  list.hidden = false;
  input.setAttribute("aria-expanded", "true");
  const found = optionsOf(list);
  found.forEach((option, at) => (option.id = `${list.id}_${at}`));
  told.textContent = found.length ? String(found.length) : list.textContent;
  mark(input, typed ? found[0] : undefined);
}

document.addEventListener("input", (event) => {
  const input = event.target;
  if (!input.matches?.(SELECTOR)) return;
  const { key } = parts(input);
  if (key.value) {
    key.value = "";
    key.dispatchEvent(new Event("change", { bubbles: true }));
  }
  clearTimeout(timer);
  timer = setTimeout(() => look(input, input.value), WAIT);
});
document.addEventListener("click", (event) => {
  const input = event.target;
  if (input.matches?.(SELECTOR) && parts(input).list.hidden) look(input, parts(input).key.value ? "" : input.value);
});
document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches?.(SELECTOR)) return;
  const { list } = parts(input);
  const all = optionsOf(list);
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (list.hidden) {
    if (event.key !== "ArrowDown") return;
    look(input, parts(input).key.value ? "" : input.value);
  } else if (event.key === "ArrowDown") mark(input, all[(at + 1) % all.length]);
  else if (event.key === "ArrowUp") mark(input, all[(at <= 0 ? all.length : at) - 1]);
  else if (event.key === "Enter" && all[at]) take(input, all[at]);
  else if (event.key === "Escape") close(input);
  else {
    if (event.key === "Tab") close(input);
    return;
  }
  event.preventDefault();
  event.stopPropagation();
});
document.addEventListener("mousedown", (event) => {
  const inside = event.target.closest?.("[data-picker] [role=listbox]");
  if (!inside) return;
  event.preventDefault();
  const option = event.target.closest("[data-key]");
  if (option) take(inside.closest("[data-picker]").querySelector("[role=combobox]"), option);
});
document.addEventListener("focusout", (event) => {
  if (event.target.matches?.(SELECTOR)) close(event.target);
});
