// The board: a card dragged to another stage is moved by the form that stands in its own menu, as the keyboard does.
let dragged = null;

document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-board] .deal");
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.id);
  dragged.classList.add("is-dragged");
});

document.addEventListener("dragend", () => {
  dragged?.classList.remove("is-dragged");
  document.querySelectorAll(".lane.is-over").forEach((lane) => lane.classList.remove("is-over"));
  dragged = null;
});

document.addEventListener("dragover", (event) => {
  const lane = dragged && event.target.closest?.(".lane");
  document.querySelectorAll(".lane.is-over").forEach((one) => one !== lane && one.classList.remove("is-over"));
  if (!lane || lane.contains(dragged)) return;
  lane.classList.add("is-over");
  event.preventDefault();
});

document.addEventListener("drop", (event) => {
  const lane = dragged && event.target.closest?.(".lane");
  if (!lane) return;
  event.preventDefault();
  dragged.querySelector(`form button[name="stage"][value="${CSS.escape(lane.dataset.stage)}"]`)?.click();
});
