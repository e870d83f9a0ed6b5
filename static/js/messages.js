// Toasts: from Django messages, from the HX-Trigger event "toast", and when a request fails.
const box = document.getElementById("toasts");
const LASTS = 7000;

function lift() {
  // The toasts lie above an open modal dialog only as a popover of the top layer.
  if (!box.showPopover) return;
  box.setAttribute("popover", "manual");
  if (box.matches(":popover-open")) box.hidePopover();
  if (box.querySelector("[data-toast]")) box.showPopover();
}

function arm(toast) {
  if (!toast.classList.contains("bad")) setTimeout(() => drop(toast), LASTS);
}

function drop(toast) {
  toast.remove();
  lift();
}

export function say(text, kind) {
  if (!box || !text) return;
  const toast = document.getElementById(kind === "bad" ? "toast-bad" : "toast-ok").content.firstElementChild.cloneNode(true);
  toast.querySelector(".grow").textContent = text;
  box.append(toast);
  while (box.querySelectorAll("[data-toast]").length > 3) box.querySelector("[data-toast]").remove();
  arm(toast);
  lift();
}

if (box) {
  box.querySelectorAll("[data-toast]").forEach(arm);
  lift();
  box.addEventListener("click", (event) => {
    const button = event.target.closest("[data-toast-close]");
    if (button) drop(button.closest("[data-toast]"));
  });
  document.addEventListener("toast", (event) => say(event.detail.text || event.detail.value, event.detail.kind));
  document.addEventListener("htmx:sendError", () => say(box.dataset.lost, "bad"));
  document.addEventListener("htmx:timeout", () => say(box.dataset.lost, "bad"));
  document.addEventListener("htmx:responseError", (event) => {
    const told = event.detail.xhr.getResponseHeader("HX-Trigger") || "";
    if (!told.includes('"toast"')) say(box.dataset.broken, "bad");
  });
}
