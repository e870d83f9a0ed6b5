// Cells of the quote grid as in a sheet: arrows move, Shift with them or with a click chooses several, Esc lets go.
const bar = document.getElementById("sx-bar");
const form = document.getElementById("cellsel");
const told = document.getElementById("seln");
let anchor = null;

export const rows = () => [...document.querySelectorAll(".sx tbody tr[data-site]:not([hidden])")];
export const cellsOf = (row) => [...row.querySelectorAll(".sx-cell")];
export const chosen = () => [...document.querySelectorAll(".sx-cell.is-sel")];
export const here = () => document.activeElement?.closest?.(".sx-cell");
export const siteOf = (cell) => cell.closest("tr").dataset.site;

const place = (cell) => [rows().indexOf(cell.closest("tr")), cellsOf(cell.closest("tr")).indexOf(cell)];

export function focus(cell) {
  const link = cell?.querySelector("a");
  link?.focus();
  link?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

export function clear() {
  chosen().forEach((cell) => cell.classList.remove("is-sel", "sel-t", "sel-b"));
  tell();
}

// Everything between the anchor and the cell.
function stretch(to) {
  const [row, column] = place(anchor);
  const [row2, column2] = place(to);
  if (row < 0 || row2 < 0) return;
  clear();
  const lines = rows().slice(Math.min(row, row2), Math.max(row, row2) + 1);
  lines.forEach((line, at) => {
    for (const cell of cellsOf(line).slice(Math.min(column, column2), Math.max(column, column2) + 1)) {
      cell.classList.add("is-sel");
      cell.classList.toggle("sel-t", at === 0);
      cell.classList.toggle("sel-b", at === lines.length - 1);
    }
  });
  tell();
}

function tell() {
  const cells = chosen();
  if (!form) return;
  const ticked = document.querySelectorAll(".sx input[name=site]:checked").length;
  form.hidden = cells.length < 2;
  bar.classList.toggle("is-plain", cells.length < 2 && !ticked);
  if (cells.length > 1) told.innerHTML = "";
  if (cells.length > 1) told.append(Object.assign(document.createElement("b"), { textContent: `${cells.length} ${form.dataset.many}` }));
  else if (!ticked) told.textContent = told.dataset.none;
  document.getElementById("cellsel-lines").replaceChildren(
    ...cells.filter((cell) => cell.dataset.l).map((cell) => Object.assign(document.createElement("input"), { type: "hidden", name: "line", value: cell.dataset.l })),
  );
}

function beside(cell, key) {
  const [row, column] = place(cell);
  const across = cellsOf(cell.closest("tr"));
  const lines = rows();
  if (key === "ArrowLeft") return across[column - 1];
  if (key === "ArrowRight") return across[column + 1];
  if (key === "Home") return across[0];
  if (key === "End") return across.at(-1);
  const step = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10 }[key];
  const line = lines[Math.max(0, Math.min(lines.length - 1, row + step))];
  return line && cellsOf(line)[column];
}

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.(".sx-cell");
  if (event.key === "Escape" && chosen().length && !document.querySelector("dialog[open]")) {
    clear();
    event.stopImmediatePropagation();
    return;
  }
  if (!cell || event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"].includes(event.key)) return;
  const to = beside(cell, event.key);
  event.preventDefault();
  if (!to) return;
  if (event.shiftKey) {
    anchor = chosen().length && anchor?.isConnected ? anchor : cell;
    stretch(to);
  } else {
    clear();
    anchor = to;
  }
  focus(to);
  if (rows().at(-1) === to.closest("tr")) document.querySelector("#more a")?.scrollIntoView({ block: "nearest" });
});

// Shift and a click reach to the cell; a click alone begins anew.
document.addEventListener(
  "click",
  (event) => {
    const cell = event.target.closest?.(".sx-cell");
    if (!cell || event.target.matches("input")) return;
    if (event.shiftKey && anchor?.isConnected) {
      event.preventDefault();
      event.stopPropagation();
      stretch(cell);
      focus(cell);
    } else {
      clear();
      anchor = cell;
    }
  },
  true,
);

// Tab goes into the sheet and out of it: by one cell, the last one used, and the box of its row. Inside, arrows move.
const stops = (cell) => [cell?.querySelector("a"), cell?.closest("tr").querySelector("input[name=site]")].filter(Boolean);
let stop = null;

function stopAt(cell) {
  stops(stop).forEach((one) => (one.tabIndex = -1));
  stop = cell;
  stops(stop).forEach((one) => (one.tabIndex = 0));
}

function oneStop() {
  const fresh = ".sx tbody .sx-cell > a:not([tabindex]), .sx tbody input[name=site]:not([tabindex])";
  document.querySelectorAll(fresh).forEach((one) => (one.tabIndex = -1));
  const shown = (cell) => cell?.isConnected && !cell.closest("tr").hidden;
  const ways = [stop, document.querySelector(".sx-cell.is-active"), document.querySelector(".sx tbody tr:not([hidden]) .sx-cell:has(> a)")];
  if (!shown(stop)) stopAt(ways.find(shown) || null);
}

document.addEventListener("focusin", (event) => {
  const cell = event.target.closest?.(".sx-cell") || event.target.closest?.(".sx tbody tr[data-site]")?.querySelector(".sx-cell:has(> a)");
  if (cell && stops(cell).includes(event.target) && !stops(stop).includes(event.target)) stopAt(cell);
});
document.addEventListener("click", (event) => event.target.closest("[data-collapse]") && setTimeout(oneStop)); // once its rows are hidden
["htmx:afterSwap", "htmx:oobAfterSwap"].forEach((name) => document.addEventListener(name, oneStop));
oneStop();

document.addEventListener("click", (event) => event.target.closest("[data-clear]") && clear());
document.addEventListener("htmx:oobAfterSwap", () => (anchor = anchor?.isConnected ? anchor : null));
