// Keyboard movement in lists: j and k or the arrows go from row to row, Enter follows the row's link, x ticks it.
const rowLinks = (table) => [...table.querySelectorAll("tbody tr")].map((row) => row.querySelector("a.name, a")).filter(Boolean);

const shortcutsOn = () => localStorage.getItem("shortcuts") !== "off";

document.querySelectorAll("[data-shortcuts]").forEach((box) => {
  box.checked = shortcutsOn();
  box.addEventListener("change", () => localStorage.setItem("shortcuts", box.checked ? "on" : "off"));
});

document.addEventListener("keydown", (event) => {
  if (!shortcutsOn()) return;
  if (event.key === "?" && !event.target.closest?.("input, select, textarea, dialog")) {
    document.getElementById("keys")?.showModal();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, select, textarea, [contenteditable], dialog, details.menu")) return;
  const table = event.target.closest?.("table[data-rows]") || document.querySelector("table[data-rows]");
  if (!table) return;
  const inside = table.contains(event.target);
  const down = event.key === "j" || (inside && event.key === "ArrowDown");
  const up = event.key === "k" || (inside && event.key === "ArrowUp");
  if (down || up) {
    const links = rowLinks(table);
    const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
    const next = links[Math.min(links.length - 1, Math.max(0, at + (down ? 1 : -1)))];
    next?.focus();
    next?.closest("tr").scrollIntoView({ block: "nearest" });
    event.preventDefault();
  } else if (event.key === "x" && inside) {
    event.target.closest("tr")?.querySelector('input[type="checkbox"]')?.click();
  } else if (event.key === "/") {
    document.querySelector(".list-bar input[type=search], #q")?.focus();
    event.preventDefault();
  }
});

// Ticking the head's box ticks the page; [data-count] beside it says how many.
document.addEventListener("change", (event) => {
  const box = event.target;
  const table = box.closest?.("table");
  if (!table || box.type !== "checkbox") return;
  if (box.matches("[data-all]")) table.querySelectorAll('tbody input[type="checkbox"]').forEach((one) => (one.checked = box.checked));
  const count = table.querySelectorAll('tbody input[type="checkbox"]:checked').length;
  document.querySelectorAll("[data-count]").forEach((place) => (place.textContent = String(count)));
  document.querySelectorAll("[data-needs-rows]").forEach((place) => (place.hidden = count === 0));
});

// Closing a preview of many leaves the ticks.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-bulk-close]")) event.target.closest("#bulk-place")?.replaceChildren();
});
