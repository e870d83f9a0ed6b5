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

// A panel that could not be loaded says so in its place, with the way to try again.
function offerAgain(panel) {
  const text = document.createElement("p");
  text.className = "panel-body row muted";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm";
  button.textContent = box.dataset.again;
  button.addEventListener("click", () => window.htmx.trigger(panel, "load"));
  text.append(box.dataset.unread, button);
  panel.replaceChildren(text);
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
    if (told.includes('"toast"')) return;
    const { elt, requestConfig } = event.detail;
    if (requestConfig.verb === "get" && (elt.getAttribute("hx-trigger") || "").startsWith("load")) offerAgain(elt);
    else say(requestConfig.verb === "get" ? box.dataset.unread : box.dataset.broken, "bad");
  });
}
