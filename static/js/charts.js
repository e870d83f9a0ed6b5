// Charts: drawn when they come into view, with the page's own colours; the library is fetched only then.
let library;

function load(address) {
  library ||= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => done(window.Chart);
    script.onerror = failed;
    document.head.append(script);
  });
  return library;
}

const look = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    look.unobserve(entry.target);
    load(entry.target.dataset.library).then((Chart) => draw(Chart, entry.target), () => entry.target.remove());
  }
}, { rootMargin: "200px" });

// Paper has no view to come into: what is left is drawn before it is printed, once the library is there.
addEventListener("beforeprint", () => {
  if (window.Chart) document.querySelectorAll("[data-chart]").forEach((place) => { if (!drawn.has(place)) draw(window.Chart, place); });
});

const drawn = new Map();

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

function short(value) {
  return new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

function draw(Chart, place) {
  if (!place.isConnected || drawn.has(place)) return;
  const told = shortened(JSON.parse(place.dataset.told), Number(place.dataset.most || 0));
  const canvas = place.querySelector("canvas");
  const colour = colours();
  const lying = told.across;
  if (lying) place.style.height = `${Math.max(120, 62 + told.labels.length * (told.stacked ? 26 : 16 + 12 * told.series.length))}px`;
  const line = told.kind === "line";
  const datasets = told.series.map((one) => ({
    label: one.label, data: one.data, texts: one.texts, urls: one.urls,
    backgroundColor: line ? colour(one.tone) : one.tones.map(colour), borderColor: colour(one.tone), borderWidth: line ? 2 : 0, pointRadius: line ? 3 : 0,
    tension: 0.25, borderRadius: 3, maxBarThickness: 30, categoryPercentage: 0.72, barPercentage: 0.92,
  }));
  const whole = told.series.every((one) => one.data.every((found) => Number.isInteger(found)));
  const number = { stacked: told.stacked, beginAtZero: true, border: { display: false }, grid: { color: colour("line") },
    ticks: { color: colour("ink-3"), maxTicksLimit: 6, callback: short, ...(whole ? { precision: 0 } : {}) } };
  const names = { stacked: told.stacked, border: { color: colour("line-strong") }, grid: { display: false },
    ticks: { color: colour("ink-2"), autoSkip: !lying, maxRotation: 0, callback: (_, at) => cut(told.labels[at], lying) } };
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  const chart = new Chart(canvas, {
    type: line ? "line" : "bar",
    data: { labels: told.labels, datasets },
    options: {
      indexAxis: lying ? "y" : "x", responsive: true, maintainAspectRatio: false, animation: false,
      scales: lying ? { x: number, y: names } : { x: names, y: number },
      plugins: {
        legend: { display: datasets.length > 1, position: "bottom", labels: { color: colour("ink-2"), boxWidth: 10, boxHeight: 10, useBorderRadius: true, borderRadius: 2 } },
        tooltip: { callbacks: { label: (item) => ` ${item.dataset.label}: ${item.dataset.texts[item.dataIndex]}` } },
      },
      onHover: (event, items) => { canvas.style.cursor = items.some((item) => datasets[item.datasetIndex].urls[item.index]) ? "pointer" : ""; },
      onClick: (event, items) => {
        const hit = items.map((item) => datasets[item.datasetIndex].urls[item.index]).find(Boolean);
        if (hit) location.assign(hit);
      },
    },
  });
  drawn.set(place, chart);
}

// A tile has room for the first lines only; its table has them all.
function shortened(told, most) {
  if (!most || !told.across) return told;
  const first = (values) => values.slice(0, most);
  const series = told.series.map((one) => ({ ...one, data: first(one.data), texts: first(one.texts), urls: first(one.urls), tones: first(one.tones) }));
  return { ...told, labels: first(told.labels), series };
}

function cut(label, lying) {
  const most = lying ? (innerWidth < 600 ? 16 : 30) : 14;
  return label.length > most ? `${label.slice(0, most - 1)}…` : label;
}

function watch(within) {
  for (const [place, chart] of drawn) {
    if (!place.isConnected) {
      chart.destroy();
      drawn.delete(place);
    }
  }
  within.querySelectorAll("[data-chart]").forEach((place) => { if (!drawn.has(place)) look.observe(place); });
}

function again() {
  for (const [place, chart] of [...drawn]) {
    chart.destroy();
    drawn.delete(place);
    draw(window.Chart, place);
  }
}

document.addEventListener("htmx:load", (event) => watch(event.target.parentElement || document));
new MutationObserver(again).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
matchMedia("print").addEventListener("change", again); // paper is light
watch(document);
