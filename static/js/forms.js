// Forms: guard against leaving with changes, pressing twice, and lost focus; selects that apply themselves.
const dirty = new Set();

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-guard]");
  if (form) dirty.add(form);
});
document.addEventListener("submit", (event) => dirty.delete(event.target));
window.addEventListener("beforeunload", (event) => {
  if ([...dirty].some((form) => form.isConnected)) event.preventDefault();
});

// What was typed into form[data-first] is kept before another form of its page goes; refused, it is shown instead.
document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    const first = [...dirty].find((one) => one.isConnected && one.matches("[data-first]"));
    if (!first || form.method !== "post" || form.matches("[hx-post]")) return;
    if (form === first && !event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const answer = await fetch(first.action, { method: "POST", body: new FormData(first), redirect: "manual" }).catch(() => null);
    if (answer?.type !== "opaqueredirect") return first.requestSubmit();
    dirty.delete(first);
    form.requestSubmit(event.submitter);
  },
  true,
);

// A plain form is sent once; the server guards as well.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.matches("[hx-post], [data-hx-post]") || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 4000);
});
window.addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent));

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-auto]");
  const taken = event.target.matches("[data-picker] input[type=hidden]") && event.target.value;
  if (form && (taken || event.target.matches("select, input[type=checkbox], input[type=radio], input[type=date]"))) form.requestSubmit();
});

// Empty filters stay out of the URL, and the words typed for a record that was found.
const spare = (form, name, value) => value === "" || (name.endsWith("_typed") && form.elements[name.slice(0, -6)]?.value);
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches?.("form[data-auto]")) return;
  for (const [name, value] of [...event.detail.formData.entries()]) if (spare(event.target, name, value)) event.detail.formData.delete(name);
});
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("form[data-auto]")) return;
  for (const [name, value] of [...event.formData.entries()]) if (spare(event.target, name, value)) event.formData.delete(name);
});

// A refusal is where the reader looks: the summary, or the first field that is wrong.
const WRONG = "main :is(.field.error, fieldset.error) :is(input:not([type=hidden]), select, textarea), main [aria-invalid=true]";
const summary = document.querySelector("main:not(.design) .errors");
const wrong = summary || [...document.querySelectorAll(WRONG)].find((field) => field.checkVisibility() && !field.closest("main.design"));
wrong?.focus();
if (!summary) wrong?.scrollIntoView({ block: "center" });
document.addEventListener("htmx:afterSwap", (event) => {
  const { target } = event.detail; // gone, when what came took its place
  (target.isConnected ? target : event.target).querySelector?.(".errors")?.focus();
});
