// The palette: Ctrl-K opens it, arrows move, Enter opens, Ctrl-Enter opens a new tab.
const palette = document.getElementById("palette");
const input = document.getElementById("pal-q");
const list = document.getElementById("pal-list");

const options = () => [...list.querySelectorAll('[role="option"]')];

function choose(option) {
  options().forEach((other) => other.setAttribute("aria-selected", String(other === option)));
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

function open(text) {
  if (palette.open) return;
  palette.showModal();
  input.value = text || "";
  input.select();
  input.dispatchEvent(new Event("palette-open"));
}

if (palette) {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open("");
    }
  });
  document.querySelectorAll("[data-palette-open] kbd").forEach((key) => key.addEventListener("click", () => open("")));
  list.addEventListener("htmx:afterSwap", () => choose(options()[0]));
  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (all.length) choose(all[(at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length]);
    } else if (event.key === "Enter" && all[at]) {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) window.open(all[at].href, "_blank", "noopener");
      else window.location.assign(all[at].href);
    }
  });
}
