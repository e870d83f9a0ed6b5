// Focus: whoever acts inside of what an answer replaces finds the focus at the same thing again, else at the new part; an
// answer to older words waits for the newer ones; and what a list now holds is said to those who do not see it.
const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
const told = document.getElementById("told");
const marks = new WeakMap();

const sign = (one) =>
  [one.tagName, one.id, one.name, one.getAttribute("aria-label"), one.dataset.id, one.matches("a, button") ? one.textContent.trim() : ""].join("|");
const controls = (place) => [...(place.matches(CONTROLS) ? [place] : []), ...place.querySelectorAll(CONTROLS)];

function remember(event) {
  const { target, xhr } = event.detail;
  const here = document.activeElement;
  if (!xhr || !here || here === document.body || !target?.contains?.(here)) return;
  const alike = controls(target).filter((one) => sign(one) === sign(here));
  marks.set(xhr, { sign: sign(here), at: alike.indexOf(here) });
}

function again(place, mark) {
  const all = controls(place);
  const alike = all.filter((one) => sign(one) === mark.sign);
  const found = alike[mark.at] || alike[0] || (all.length === 1 ? all[0] : null);
  if (!found && !place.hasAttribute("tabindex")) place.tabIndex = -1;
  (found || place).focus({ preventScroll: Boolean(found) });
}

document.addEventListener("htmx:beforeRequest", remember); // before its button is disabled, which takes the focus away
document.addEventListener("htmx:beforeSwap", (event) => {
  remember(event);
  const field = document.activeElement;
  const { target, requestConfig } = event.detail;
  if (requestConfig?.verb !== "get" || !field?.matches?.("form[data-auto] input[type=search]") || !target.contains(field)) return;
  if ((requestConfig.formData?.get(field.name) ?? "") !== field.value && requestConfig.elt === field.form) event.detail.shouldSwap = false;
});

document.addEventListener("htmx:afterSettle", (event) => {
  const { target, xhr, elt } = event.detail;
  const place = target?.isConnected ? target : document.getElementById(target?.id || "") || elt;
  const mark = xhr && marks.get(xhr);
  if (mark) {
    marks.delete(xhr);
    if ((!document.activeElement || document.activeElement === document.body) && place?.isConnected) again(place, mark);
  }
  const news = place?.querySelector?.("[data-told]");
  if (told && news && place.id === "list") told.textContent = news.textContent.replace(/\s+/g, " ").trim();
});
