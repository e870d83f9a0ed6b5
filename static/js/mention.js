// Naming a colleague in a comment: @ and some letters open a list; arrows move, Enter or Tab takes, Escape closes.
const TYPED = /(?:^|[^\w@])@([\w.+-]*)$/;
let asked = 0;

const listOf = (area) => document.getElementById(area.getAttribute("aria-controls"));
const optionsOf = (list) => [...list.querySelectorAll("[role=option]")];

function close(area) {
  const list = listOf(area);
  list.hidden = true;
  list.replaceChildren();
  area.removeAttribute("aria-activedescendant");
}

function choose(area, option) {
  optionsOf(listOf(area)).forEach((other) => other.setAttribute("aria-selected", String(other === option)));
  if (option) area.setAttribute("aria-activedescendant", option.id);
}

function take(area, option) {
  const at = area.selectionStart;
  const before = area.value.slice(0, at).replace(/@[\w.+-]*$/, `@${option.dataset.name} `);
  area.value = before + area.value.slice(at);
  area.setSelectionRange(before.length, before.length);
  close(area);
  area.focus();
}

async function look(area) {
  const typed = TYPED.exec(area.value.slice(0, area.selectionStart));
  if (!typed) return close(area);
  const mine = ++asked;
  const answer = await fetch(`${area.dataset.mention}?q=${encodeURIComponent(typed[1])}`);
  if (mine !== asked || !answer.ok) return;
  const list = listOf(area);
  list.innerHTML = await answer.text();
  list.hidden = !optionsOf(list).length;
  choose(area, optionsOf(list)[0]);
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-mention]")) look(event.target);
});
document.addEventListener("keydown", (event) => {
  const area = event.target;
  if (!area.matches?.("[data-mention]") || listOf(area).hidden) return;
  const all = optionsOf(listOf(area));
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") choose(area, all[(at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length]);
  else if ((event.key === "Enter" || event.key === "Tab") && all[at]) take(area, all[at]);
  else if (event.key === "Escape") close(area);
  else return;
  event.preventDefault();
  event.stopPropagation();
});
document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.(".mention-list [role=option]");
  if (!option) return;
  event.preventDefault();
  take(document.querySelector(`[aria-controls="${option.parentElement.id}"]`), option);
});
document.addEventListener("focusout", (event) => {
  if (event.target.matches?.("[data-mention]")) close(event.target);
});
