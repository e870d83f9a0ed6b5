// The quote page: cells open the panel beside the grid, ticked sites are counted, groups fold. The keyboard is quotecells.js.
const body = document.getElementById("ed-body");
const panel = document.getElementById("cfg");
const links = () => [...document.querySelectorAll(".sx tbody tr:not([hidden]) .sx-cell > a")];

function activate(link) {
  document.querySelectorAll(".sx-cell.is-active").forEach((cell) => cell.classList.remove("is-active"));
  link?.closest(".sx-cell").classList.add("is-active");
}

function open(link) {
  activate(link);
  body.classList.add("has-panel");
  const line = new URL(link.href).searchParams.get("line");
  if (line) history.replaceState(null, "", `?line=${line}`);
  wanted = link;
  shown = link.dataset.cell;
  load();
}

// An answer that is still being kept is shown before another cell's panel takes its place.
let saving = 0;
let wanted = null;
let shown = "";

function load() {
  if (saving || !wanted) return;
  const link = wanted;
  wanted = null;
  window.htmx.ajax("GET", link.dataset.cell, { target: "#cfg", swap: "innerHTML" }).then(() => panel.querySelector("h2")?.focus({ preventScroll: true }));
}

document.addEventListener("htmx:beforeSend", (event) => (saving += event.target.id === "cfg-form" ? 1 : 0));
document.addEventListener("htmx:afterSettle", (event) => {
  // The saved row was drawn anew and marks its own cell, while another one may have been chosen.
  if (event.target.id === "cfg-live" && shown) activate(links().find((link) => link.dataset.cell === shown));
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.id !== "cfg-form") return;
  saving -= 1;
  setTimeout(load); // a save that was queued behind this one has begun by then
});

function shut() {
  const here = document.querySelector(".sx-cell.is-active > a");
  location.assign(location.pathname);
  here?.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest(".sx-cell > a[data-cell]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    open(link);
  }
  const step = event.target.closest("[data-step]");
  if (step) beside(Number(step.dataset.step));
  if (event.target.closest("[data-close-panel]")) shut();
  const fold = event.target.closest("[data-collapse]");
  if (fold) collapse(fold);
  const keep = event.target.closest("[data-keep-mine]");
  if (keep) {
    document.getElementById("edition").value = keep.dataset.keepMine;
    window.htmx.trigger("#cfg-form", "change");
  }
});

function beside(way) {
  const lines = [...document.querySelectorAll(".sx-cell:not(.is-empty) > a[data-cell]")];
  const at = lines.findIndex((link) => link.parentElement.classList.contains("is-active"));
  const next = lines[(at + way + lines.length) % lines.length];
  if (!next) return;
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
  open(next);
}

function collapse(button) {
  const show = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(show));
  document.querySelectorAll(`tbody[data-group="${button.dataset.collapse}"] > tr:not(.sx-group)`).forEach((row) => (row.hidden = !show));
}

// Ticked sites.
function count() {
  const boxes = document.querySelectorAll(".sx input[name=site]:checked");
  const form = document.getElementById("picked");
  const told = document.getElementById("seln");
  if (!form || !told) return;
  form.hidden = boxes.length === 0;
  document.getElementById("sx-bar").classList.toggle("is-plain", boxes.length === 0);
  told.textContent = boxes.length ? `${boxes.length} ${told.dataset.some}` : told.dataset.none;
  form.dataset.confirm = form.dataset.confirm.replace(/^.*?\?/, `Remove all lines of ${boxes.length} ticked site${boxes.length === 1 ? "" : "s"}?`);
}

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches("[data-check-all]")) document.querySelectorAll(".sx input[name=site]:not(:disabled)").forEach((one) => (one.checked = box.checked));
  if (box.matches("[data-check-group]")) document.querySelectorAll(`tbody[data-group="${box.dataset.checkGroup}"] input[name=site]:not(:disabled)`).forEach((one) => (one.checked = box.checked));
  if (box.matches("[data-check-all], [data-check-group], .sx input[name=site]")) count();
  if (box.matches("[data-check-list]")) box.closest("fieldset").querySelectorAll("input[name=sites]").forEach((one) => (one.checked = box.checked));
  if (box.matches("[data-check-copy]")) box.closest("form").querySelectorAll("input[name=site]:not(:disabled)").forEach((one) => (one.checked = box.checked));
  if (box.closest(".copy-list") || box.matches("[data-check-copy]")) sum(box.closest("form"));
});
document.addEventListener("reset", (event) => event.target.id === "picked" && setTimeout(count));

function sum(form) {
  const boxes = [...form.querySelectorAll("input[name=site]:checked")];
  const told = form.querySelector("#copy-sum");
  const change = boxes.reduce((all, box) => all + Number(box.dataset.change), 0);
  const money = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: told.dataset.currency, signDisplay: "exceptZero" });
  told.textContent = `${boxes.length} of ${told.dataset.of} sites, ${money.format(change)} a month`;
}

// Leaving the import dialog after sites came in shows them.
document.getElementById("dialog")?.addEventListener("close", (event) => {
  if (event.target.querySelector("[data-imported]")) location.assign(location.pathname);
});

document.querySelector(".sx-cell.is-active")?.scrollIntoView({ block: "nearest", inline: "nearest" });
if (links().length && document.querySelector(".is-active > a") === null && location.hash === "") document.getElementById("main")?.focus({ preventScroll: true });
