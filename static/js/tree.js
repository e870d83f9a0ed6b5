// Trees: a press on [data-id] in table.tree shows or hides what is below it; what was opened stays open over live updates
// and visits. A live update waits while the focus is inside.
const opened = (tree) => {
  const key = `tree:${tree.dataset.order}`;
  return {
    read: () => JSON.parse(sessionStorage.getItem(key) || "{}"),
    write: (id, open) => sessionStorage.setItem(key, JSON.stringify({ ...JSON.parse(sessionStorage.getItem(key) || "{}"), [id]: open })),
  };
};

const refresh = (table) => {
  const open = new Map([...table.querySelectorAll("button.tog")].map((one) => [one.dataset.id, one.getAttribute("aria-expanded") === "true"]));
  const hidden = new Map();
  for (const row of table.tBodies[0].rows) {
    const parent = row.dataset.parent;
    row.hidden = Boolean(parent) && (hidden.get(parent) || open.get(parent) === false);
    hidden.set(row.id, row.hidden);
  }
};

const restore = (tree) => {
  const known = opened(tree).read();
  tree.querySelectorAll("button.tog").forEach((one) => {
    if (one.dataset.id in known) one.setAttribute("aria-expanded", String(known[one.dataset.id]));
  });
  const wanted = location.hash.slice(1) && tree.querySelector(`#${CSS.escape(location.hash.slice(1))}`);
  for (let row = wanted; row; row = row.dataset.parent && document.getElementById(row.dataset.parent)) {
    if (row !== wanted) row.querySelector("button.tog")?.setAttribute("aria-expanded", "true");
  }
  const table = tree.querySelector("table.tree");
  if (table) refresh(table);
  return wanted || null;
};

document.addEventListener("click", (event) => {
  const toggle = event.target.closest("table.tree button.tog");
  if (!toggle) return;
  const open = toggle.getAttribute("aria-expanded") !== "true";
  toggle.setAttribute("aria-expanded", String(open));
  const tree = toggle.closest("[data-order]");
  if (tree) opened(tree).write(toggle.dataset.id, open);
  refresh(toggle.closest("table"));
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  if (!target.matches?.("[data-live]")) return;
  const focus = document.activeElement;
  if (focus && target.contains(focus) && focus.matches(":focus-visible")) event.detail.shouldSwap = false;
});

document.addEventListener("htmx:afterSettle", () => document.querySelectorAll("[data-order]").forEach((tree) => restore(tree)));
document.querySelectorAll("[data-order]").forEach((tree) => restore(tree)?.scrollIntoView({ block: "center" }));
