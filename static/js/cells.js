// Cells of lists that are changed in their place: a click, Enter or F2 opens the field, Escape leaves, Enter saves.
const touched = (form) => form.dataset.touched || form.querySelector(".err, .meanwhile");

function leave(form) {
  const cell = form.closest("td");
  cell.querySelector(".cell-place").remove();
  cell.querySelector(".in-place")?.focus();
}

async function open(button) {
  const table = button.closest("table[data-cells]");
  const cell = button.closest("td");
  if (!table || cell.querySelector(".cell-place")) return;
  for (const other of table.querySelectorAll(".cell-form")) if (!touched(other)) leave(other);
  const place = document.createElement("div");
  place.className = "cell-place";
  cell.append(place);
  const url = `${table.dataset.cells}&cell=${encodeURIComponent(button.dataset.cell)}`;
  await window.htmx.ajax("GET", url, { target: place, swap: "innerHTML", source: button });
  if (!place.querySelector(".cell-form")) place.remove();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("table[data-cells] .in-place");
  if (button) open(button);
  const close = event.target.closest?.("[data-cell-close]");
  if (close) leave(close.closest("form"));
});

document.addEventListener("input", (event) => {
  const form = event.target.closest?.(".cell-form");
  if (form) form.dataset.touched = "yes";
});

// A field that nobody touched closes when the focus goes elsewhere.
document.addEventListener("focusin", (event) => {
  for (const form of document.querySelectorAll(".cell-form")) {
    if (!touched(form) && !form.closest("td").contains(event.target)) form.closest(".cell-place").remove();
  }
});

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.(".cell-form");
  if (form && event.key === "Escape" && !form.querySelector('[aria-expanded="true"]')) {
    leave(form);
    event.preventDefault();
  } else if (form && event.key === "Enter" && event.target.matches("select")) {
    form.requestSubmit();
    event.preventDefault();
  } else if (event.key === "F2" && !form) {
    const row = event.target.closest?.("table[data-cells] tbody tr");
    const button = event.target.closest?.(".in-place") || row?.querySelector(".in-place");
    if (!button) return;
    open(button);
    event.preventDefault();
  }
});

// After each answer the field, or the cell that was saved, has the focus.
document.addEventListener("htmx:afterSwap", (event) => {
  const place = event.detail.target;
  if (!place.matches?.(".cell-place")) return;
  const form = place.querySelector(".cell-form");
  if (!form) {
    const cell = place.closest("td");
    cell.replaceChildren(...place.childNodes);
    cell.querySelector(".in-place")?.focus();
    return;
  }
  const field = form.querySelector("input:not([type=hidden]), select, textarea");
  field?.focus();
  if (!form.querySelector(".err, .meanwhile")) field?.select?.();
});
