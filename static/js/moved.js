// A page that waits for the system is read anew when its record has moved on, unless somebody types or has something open.
let typed = false;
document.addEventListener("input", () => (typed = true));
document.addEventListener("htmx:afterSwap", (event) => {
  const link = event.detail.target.querySelector?.("[data-moved] a");
  if (link && !typed && !document.querySelector("dialog[open], details.way[open]")) location.replace(link.href);
});
