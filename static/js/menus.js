// Menus (details.menu), the drawer of small screens, copy buttons, tree toggles.
import { say } from "./messages.js";

const box = document.getElementById("toasts");
const openMenus = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (event) => {
  openMenus().forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  const drawer = event.target.closest("[data-drawer]");
  if (drawer) setDrawer(drawer.getAttribute("aria-expanded") !== "true");
  if (event.target.closest("[data-drawer-close]")) setDrawer(false);
  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(copy);
  const toggle = event.target.closest("[data-toggle-rows]");
  if (toggle) toggleRows(toggle);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  setDrawer(false);
  openMenus().forEach((menu) => {
    menu.open = false;
    menu.querySelector("summary").focus();
  });
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const items = [...menu.querySelectorAll(".menu-pop a, .menu-pop button")];
  if (!items.length) return;
  const at = items.indexOf(document.activeElement);
  items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1) + (at < 0 && event.key === "ArrowUp" ? 1 : 0)) % items.length].focus();
  event.preventDefault();
});

function setDrawer(open) {
  const button = document.querySelector("[data-drawer]");
  const drawer = button && document.getElementById(button.dataset.drawer);
  if (!drawer || drawer.classList.contains("is-open") === open) return;
  drawer.classList.toggle("is-open", open);
  button.setAttribute("aria-expanded", String(open));
  const back = document.querySelector("[data-drawer-close]");
  if (back) back.hidden = !open;
  if (open) drawer.querySelector("a")?.focus();
  else button.focus();
}

async function copyText(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    say(button.dataset.copied || box.dataset.copied.replace("{}", button.dataset.copy));
  } catch {
    say(box.dataset.uncopied, "bad");
  }
}

// Branches of a tree table: rows carry id and data-parent; a closed branch hides all that is below it.
function toggleRows(button) {
  const table = button.closest("table");
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  const show = (id, visible) =>
    table.querySelectorAll(`[data-parent="${CSS.escape(id)}"]`).forEach((row) => {
      row.hidden = !visible;
      const inner = row.querySelector("[data-toggle-rows]");
      show(row.id, visible && inner?.getAttribute("aria-expanded") === "true");
    });
  show(button.closest("tr").id, open);
}

// Choosing an act closes the menu that it was in.
document.addEventListener("click", (event) => {
  if (event.target.closest?.(".menu-pop button[name=act]")) event.target.closest("details.menu").open = false;
});
