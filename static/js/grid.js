// Grids of cells: Enter and the arrows go up and down, Alt with an arrow moves the row, Escape takes back what was typed.
const boxesOf = (row) => [...row.querySelectorAll("input.cellbox")];

document.addEventListener("keydown", (event) => {
  const box = event.target;
  if (!box.matches?.("table[data-grid] input.cellbox")) return;
  const row = box.closest("tr");
  const at = boxesOf(row).indexOf(box);
  const up = event.key === "ArrowUp";
  if (event.altKey && (up || event.key === "ArrowDown")) {
    row.querySelector(`.rowacts button[value="${up ? "up" : "down"}"]:not([disabled])`)?.click();
    event.preventDefault();
  } else if (event.key === "Escape") {
    box.value = box.defaultValue;
  } else if (event.key === "Enter" || up || (event.key === "ArrowDown" && !box.list)) {
    const back = up || (event.key === "Enter" && event.shiftKey);
    const next = back ? row.previousElementSibling : row.nextElementSibling;
    const to = next && boxesOf(next)[at];
    if (to) to.focus(), to.select();
    else if (event.key === "Enter") box.blur(), document.querySelector("[data-add-row]")?.focus();
    event.preventDefault();
  }
});

// After the grid was drawn again, the row that was worked on has the focus.
document.addEventListener("htmx:afterSwap", (event) => {
  const grid = document.getElementById("grid");
  const wanted = grid?.dataset.focusRow;
  if (!wanted || event.detail.target.id !== "grid") return;
  grid.querySelector(`tr[data-row="${CSS.escape(wanted)}"] input.cellbox`)?.focus();
});

// [data-fill='{"name": …}'] puts values into the fields of its form.
document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-fill]");
  if (!chip) return;
  for (const [name, value] of Object.entries(JSON.parse(chip.dataset.fill))) {
    const field = chip.closest("form").elements[name];
    if (field) field.value = value;
  }
});
