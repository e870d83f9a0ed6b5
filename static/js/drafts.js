// Drafts: what was typed when the session ended is there again after the log-in, also in a panel that is opened anew.
// It is kept in this tab only, for the person who typed it, and goes as soon as it is given back or the page is left.
const KEY = "trunkline-draft";
const person = document.body.dataset.person;
const here = window.location.pathname;
const box = document.getElementById("toasts");
const FORMS = "form[method=post]:not([data-theme-form])";

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) || {};
  } catch {
    return {};
  }
}

function write(kept) {
  try {
    if (kept) sessionStorage.setItem(KEY, JSON.stringify(kept));
    else sessionStorage.removeItem(KEY);
  } catch {
    // A browser that keeps nothing keeps no draft.
  }
}

const fields = (form) =>
  [...form.elements].filter((one) => one.name && !["hidden", "password", "file", "submit", "button"].includes(one.type));
const mark = (form) => form.getAttribute("action") || here;

function keep(form) {
  const values = fields(form).map((one) => [one.name, ["checkbox", "radio"].includes(one.type) ? one.checked : one.value, one.value]);
  const kept = read();
  const forms = kept.person === person && kept.path === here && !kept.back ? kept.forms : {};
  write({ person, path: here, forms: { ...forms, [mark(form)]: values } });
}

function giveBack(form, values) {
  for (const one of fields(form)) {
    const ticked = ["checkbox", "radio"].includes(one.type);
    const found = values.find(([name, , value]) => name === one.name && (!ticked || value === one.value));
    if (!found) continue;
    if (ticked) one.checked = found[1];
    else one.value = found[1];
    one.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

function look(root) {
  const kept = read();
  if (!kept.back || kept.person !== person || kept.path !== here) return;
  for (const form of root.querySelectorAll(FORMS)) {
    const values = kept.forms[mark(form)];
    if (!values) continue;
    giveBack(form, values);
    delete kept.forms[mark(form)];
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: box.dataset.draft } }));
  }
  write(Object.keys(kept.forms).length ? kept : null);
}

if (person) {
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.(FORMS);
    if (form && !event.target.closest("[data-no-draft]")) keep(form);
  });
  const kept = read();
  if (kept.person !== person || kept.path !== here || !kept.back) write(null);
  else {
    look(document);
    document.addEventListener("htmx:afterSwap", (event) => look(event.detail.target));
    setTimeout(() => {
      const left = Object.keys(read().forms || {}); // what loads by itself has had its time
      if (left.length) document.dispatchEvent(new CustomEvent("toast", { detail: { text: box.dataset.draftPanel } }));
    }, 2500);
  }
} else {
  // The log-in page: whoever typed comes back from here.
  const kept = read();
  if (kept.forms) write({ ...kept, back: true });
}
