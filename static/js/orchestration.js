// Graph and timeline of an order: a press on a box in a drawing opens its panel instead of its page; the timeline starts
// at today and keeps its place over live updates.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("svg a[hx-get]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) event.preventDefault();
});

let kept = null;
const place = () => {
  const chart = document.querySelector(".gantt-chart[data-now]");
  if (!chart) return;
  chart.scrollLeft = kept ?? Math.max(0, Number(chart.dataset.now) - 160);
};

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "gantt") kept = document.querySelector(".gantt-chart")?.scrollLeft ?? null;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id === "gantt") place();
});
place();
