// Editing the quote grid as a sheet: type into a cell, fill down, copy, paste from Excel, edit several together.
import { cellsOf, chosen, focus, here, rows, siteOf } from "./quotecells.js";

const form = document.getElementById("cellsel");
const base = `${form.dataset.here}cells/`;
const wanted = (cell, text) => [Number(siteOf(cell)), Number(cell.dataset.o), text, Number(cell.dataset.e || 0)];
const at = (site, offering) => document.querySelector(`tr[data-site="${site}"] .sx-cell[data-o="${offering}"]`);

// A changed row is drawn anew, so the cell is found again by what it stands for.
async function send(address, values, cell) {
  const [site, offering] = [siteOf(cell), cell.dataset.o];
  let well = false;
  const note = (event) => (well = event.detail.xhr.status < 400);
  document.addEventListener("htmx:afterRequest", note, { once: true });
  await window.htmx.ajax("POST", address, { values, swap: "none" });
  document.removeEventListener("htmx:afterRequest", note);
  if (well) focus(at(site, offering));
  return well;
}

// Typing: the box lies over the cell; what is refused stays in it.
function type(cell, text) {
  const box = document.createElement("input");
  box.className = "sx-type";
  box.value = text;
  box.maxLength = 300;
  box.autocomplete = "off";
  box.setAttribute("aria-label", cell.closest("tr").querySelector("b").textContent);
  cell.append(box);
  box.focus();
  if (!text) box.select();
  let busy = false;
  const leave = () => (box.remove(), focus(cell));
  const keep = async (way) => {
    if (busy) return;
    if (box.value.trim() === "" || box.value === cell.dataset.t) return leave();
    busy = true;
    const [row, column] = [rows().indexOf(cell.closest("tr")), cellsOf(cell.closest("tr")).indexOf(cell)];
    const well = await send(base, { cells: JSON.stringify([wanted(cell, box.value)]) }, cell);
    busy = false;
    box.setAttribute("aria-invalid", String(!well));
    if (!well) return box.focus();
    box.remove();
    const line = rows()[row + (way === "down" ? 1 : 0)];
    if (line) focus(cellsOf(line)[column + (way === "right" ? 1 : 0)]);
  };
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") leave();
    if (event.key === "Enter") keep("down");
    if (event.key === "Tab" && !event.shiftKey) event.preventDefault(), keep("right");
  });
  box.addEventListener("blur", () => !busy && box.isConnected && box.getAttribute("aria-invalid") !== "true" && keep(""));
}

function fill() {
  const cells = chosen();
  if (cells.length > 1) send(`${base}fill/`, { cells: JSON.stringify(cells.map((cell) => wanted(cell, cell.dataset.t || ""))) }, cells[0]);
}

document.addEventListener("keydown", (event) => {
  const cell = here();
  if (!cell || event.target.matches("input, textarea, select")) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "d" && chosen().length > 1) {
    event.preventDefault();
    fill();
  } else if (event.ctrlKey || event.metaKey || event.altKey || !siteOf(cell)) {
    return;
  } else if (event.key === "F2") {
    event.preventDefault();
    type(cell, cell.dataset.t || "");
  } else if (event.key === "Delete" && chosen().length > 1) {
    form.requestSubmit(form.querySelector("[data-remove]"));
  } else if (event.key.length === 1 && event.key !== " ") {
    event.preventDefault();
    event.stopImmediatePropagation();
    type(cell, event.key);
  }
}, true);

document.addEventListener("dblclick", (event) => {
  const cell = event.target.closest?.(".sx-cell");
  if (cell && siteOf(cell) && !cell.querySelector("input")) type(cell, cell.dataset.t || "");
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-fill]")) fill();
  if (!event.target.closest("[data-together]")) return;
  const lines = chosen().filter((cell) => cell.dataset.l).map((cell) => `line=${cell.dataset.l}:${cell.dataset.e}`);
  window.htmx.ajax("GET", `${base}together/?${lines.join("&")}`, { target: "#dialog", swap: "innerHTML" });
});

// Copying gives a block that Excel and this grid take; pasting shows first what it would change.
document.addEventListener("copy", (event) => {
  const cells = chosen().length ? chosen() : here() ? [here()] : [];
  if (!cells.length || event.target.matches?.("input, textarea")) return;
  const lines = [...new Set(cells.map((cell) => cell.closest("tr")))];
  const text = lines.map((line) => cells.filter((cell) => line.contains(cell)).map((cell) => cell.dataset.t || "").join("\t")).join("\n");
  event.clipboardData.setData("text/plain", text);
  event.preventDefault();
});

document.addEventListener("paste", (event) => {
  const first = chosen()[0] || here();
  const text = event.clipboardData?.getData("text/plain");
  if (!first || !text || !siteOf(first) || event.target.matches?.("input, textarea")) return;
  event.preventDefault();
  const values = { site: siteOf(first), offering: first.dataset.o, text };
  window.htmx.ajax("POST", `${base}paste/${location.search}`, { values, target: "#dialog", swap: "innerHTML" });
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.xhr.status < 400 && event.target.matches?.("form[data-closes]")) event.target.closest("dialog")?.close();
});
