// The grid of a price matrix: arrows and Enter move, Escape takes back, a pasted block of a spreadsheet fills the cells.
const rowsOf = (table) => [...table.querySelectorAll("tr")].map((row) => [...row.querySelectorAll("input.cellbox")]).filter((row) => row.length);

function place(box) {
  const rows = rowsOf(box.closest("table"));
  const down = rows.findIndex((row) => row.includes(box));
  const right = rows[down].indexOf(box) - rows[down].length; // from the right, as the head row has fewer boxes
  return { rows, down, right };
}
const at = (rows, down, right) => rows[down]?.[rows[down].length + right];

document.addEventListener("keydown", (event) => {
  const box = event.target;
  if (!box.matches?.("table[data-matrix] input.cellbox")) return;
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [event.shiftKey ? -1 : 1, 0] };
  const ends = { ArrowLeft: [0, -1, 0], ArrowRight: [0, 1, box.value.length] };
  let step = steps[event.key];
  if (ends[event.key] && box.selectionStart === box.selectionEnd && box.selectionStart === ends[event.key][2]) step = ends[event.key];
  if (event.key === "Escape") box.value = box.defaultValue;
  if (!step) return;
  const { rows, down, right } = place(box);
  const to = right + step[1] < 0 ? at(rows, down + step[0], right + step[1]) : null;
  if (to) to.focus(), to.select();
  event.preventDefault();
});

document.addEventListener("paste", (event) => {
  const box = event.target;
  if (!box.matches?.("table[data-matrix] input.cellbox")) return;
  const lines = event.clipboardData.getData("text").replace(/\r/g, "").replace(/\n$/, "").split("\n").map((line) => line.split("\t"));
  if (lines.length === 1 && lines[0].length === 1) return;
  event.preventDefault();
  const { rows, down, right } = place(box);
  lines.forEach((line, y) =>
    line.forEach((text, x) => {
      const to = right + x < 0 ? at(rows, down + y, right + x) : null;
      if (to) to.value = text.trim();
    }),
  );
  box.dispatchEvent(new Event("input", { bubbles: true }));
});
