// The theme changes at once; the form behind the buttons stores it.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-theme-form]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  document.documentElement.dataset.theme = event.submitter.value;
  form.querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", String(button === event.submitter)));
  const body = new FormData(form, event.submitter);
  fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
});
