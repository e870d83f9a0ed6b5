"""Bareness: text of templates that no translation reaches: outside of `translate`, or of code and not said."""

import re
from collections.abc import Iterator

from config.words.collecting import ROOT

ALONE = {"500.html", "503.html", "design.html", "design_at_work.html"}  # shown when nothing works; shown to who builds
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
SENTENCES = {
    "all_label", "because", "choice_label", "count_text", "detail", "due_detail", "empty", "explanation", "help_text",
    "hint", "label", "lacks", "lead", "legend", "message", "problem", "promise", "refusal", "search_label", "sentence",
    "sort_label", "standing", "suggested_said", "trouble", "urgency", "verb", "waits_because", "why", "why_not",
    "why_not_act", "why_not_cancel", "why_not_skip",
}  # fmt: skip
HOLE = re.compile(r"\{\{\s*([\w.]+)([^{}]*)\}\}")
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


def unsaid() -> Iterator[str]:
    """Every variable that by its name holds a sentence of the code and is shown as code made it, with its file."""
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for hole in HOLE.finditer(path.read_text()):
            last = hole[1].rpartition(".")[2]
            sentence = last in SENTENCES or (last.startswith("get_") and last.endswith("_display"))
            if sentence and not hole[2].startswith(("|said", "|plain", "|linebreaks", "|mentions")):
                yield f"{path.relative_to(ROOT)}: {hole[0]}"
