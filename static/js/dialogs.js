// Dialogs: [data-dialog="id"] opens one; a fragment swapped into #sheet or #dialog opens it; confirm before a form goes.
const confirmed = new WeakSet();

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    document.getElementById(opener.dataset.dialog)?.showModal();
    event.preventDefault();
  }
  if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog")?.close();
  if (event.target.matches?.("dialog.dialog, dialog.pal")) event.target.close();
});

document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.detail.target;
  if (target.matches?.("dialog")) {
    if (target.innerHTML.trim() === "") target.close();
    else if (!target.open) target.showModal();
    target.querySelector("[autofocus], .field.error input, h2[tabindex]")?.focus();
  }
});

document.addEventListener("close-dialog", () => document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close()));

// <form data-confirm="Cancel 3 lines? …"> asks in a dialog of its own; the server guards the rest.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    const question = event.submitter?.dataset.confirm || form.dataset.confirm;
    if (!question || confirmed.has(form)) {
      confirmed.delete(form);
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(question, event.submitter?.textContent.trim() || "OK").then((yes) => {
      if (!yes) return;
      confirmed.add(form);
      form.requestSubmit(event.submitter);
    });
  },
  true,
);

document.addEventListener("htmx:confirm", (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  ask(event.detail.question, event.detail.elt.textContent.trim() || "OK").then((yes) => yes && event.detail.issueRequest(true));
});

function ask(question, label) {
  return new Promise((resolve) => {
    const dialog = document.createElement("dialog");
    dialog.className = "dialog";
    dialog.innerHTML =
      '<form method="dialog"><div class="body"><p></p></div><footer><button class="btn" value=""></button><button class="btn btn-primary" value="yes"></button></footer></form>';
    dialog.querySelector(".btn").textContent = document.getElementById("toasts").dataset.keep;
    dialog.querySelector("p").textContent = question;
    dialog.querySelector(".btn-primary").textContent = label;
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
