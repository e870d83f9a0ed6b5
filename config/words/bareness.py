"""Bareness: text of templates that no translation reaches, because it stands outside of `translate`."""

import re
from collections.abc import Iterator

from config.words.collecting import ROOT

ALONE = {"500.html", "503.html", "design.html"}  # shown when nothing works; shown to who builds
KNOWN = {
    "Trunkline", "CSV", "XLSX", "PDF", "SHA", "GET", "POST", "PATCH", "DELETE", "PUT", "Ctrl", "Esc", "tlp_", "TMF",
    "TM", "Forum", "Open", "API", "YAML", "JSON", "SLA", "Enter", "Shift", "UTC",
    "tlp", "ORD", "nbsp", "string", "peer", "vlan",
}  # fmt: skip
INSIDE = re.compile(
    r"\{%\s*(blocktranslate|comment|verbatim)\b.*?%\}.*?\{%\s*end\1\s*%\}|"
    r"\{%\s*block \w*(class|css)\w*\s*%\}.*?\{%\s*endblock\s*%\}|"
    r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<(script|style|code|kbd|svg|pre)\b.*?</\3>|<!--.*?-->",
    re.DOTALL,
)
TAG = re.compile(r"<[^<>]*>")
READ = re.compile(r'\b(?:title|aria-label|placeholder|alt|data-confirm|hx-confirm)="([^"]*)"')
WORD = re.compile(r"[^\W\d_]{3,}[’']?[a-z]*")
FILTER = re.compile(r'\|(?:default|default_if_none|yesno):"([^"]*[A-Za-z]{3}[^"]*)"')
MACHINE = {"wide,,", "auto", "web", "Trunkline"}


def bare() -> Iterator[str]:
    """Every text that a person would read in English whatever their language, with its file."""
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if path.name in ALONE:
            continue
        source = path.read_text()
        left = INSIDE.sub(" ", source)
        texts = [*READ.findall(left), *TAG.sub("\n", left).split("\n")]
        texts += [text for text in FILTER.findall(source) if text not in MACHINE]
        for text in texts:
            if '="' not in text and set(WORD.findall(text)) - KNOWN:
                yield f"{path.relative_to(ROOT)}: {text.strip()[:90]}"
