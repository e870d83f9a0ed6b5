// Try an interface: one request with the token that was typed, and its answer as it came.
const form = document.querySelector("[data-tryapi]");
const part = (name) => document.getElementById(`try-${name}`);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-try]");
  if (!button) return;
  const [method, path] = button.dataset.try.split(" ");
  part("method").value = method;
  part("path").value = path;
  part("body").value = method === "POST" || method === "PATCH" ? "{}" : "";
  form.scrollIntoView({ block: "start" });
  part("path").focus();
});

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const method = part("method").value;
  const path = part("path").value;
  if (!path.startsWith("/tmf-api/")) {
    part("status").textContent = form.dataset.begins;
    return;
  }
  const headers = { Authorization: `Bearer ${part("token").value.trim()}` };
  const body = method === "POST" || method === "PATCH" ? part("body").value : undefined;
  if (body !== undefined) headers["Content-Type"] = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  part("status").textContent = "…";
  try {
    const answer = await fetch(path, { method, headers, body, credentials: "omit" });
    const text = await answer.text();
    const told = ["X-Total-Count", "X-Result-Count", "Location", "ETag", "Retry-After", "X-Hub-Secret"];
    const kept = told.filter((name) => answer.headers.get(name)).map((name) => `${name}: ${answer.headers.get(name)}`);
    part("status").textContent = [`${answer.status} ${answer.statusText}`, ...kept].join(" · ");
    try {
      part("answer").textContent = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      part("answer").textContent = text;
    }
  } catch (error) {
    part("status").textContent = `${form.dataset.unsent}: ${error.message}`;
  }
});
