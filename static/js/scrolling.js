// What is wider than its place can be scrolled by keyboard too: it takes the focus for as long as it is wider.
const seen = new ResizeObserver((entries) => entries.forEach(({ target }) => judge(target)));

function judge(place) {
  const wide = place.scrollWidth > place.clientWidth + 1 && !place.querySelector("a[href], button, input, select, textarea, summary, [tabindex]");
  if (wide === place.hasAttribute("data-wide")) return;
  place.toggleAttribute("data-wide", wide);
  if (wide) place.tabIndex = 0;
  else place.removeAttribute("tabindex");
}

function watch() {
  document.querySelectorAll(".scroll:not([tabindex], [data-wide])").forEach((place) => seen.observe(place));
}

watch();
document.addEventListener("htmx:afterSettle", watch);
