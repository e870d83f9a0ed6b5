"""Templates: nothing that a strict content security policy would block, nothing from elsewhere."""

import re

from tests.architecture import source

PDF = "templates/pdf/"  # documents go to WeasyPrint and letters (…_email) to a mail program, not to a browser
RULES = {
    "inline style": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "inline script": re.compile(r"<script\b(?![^>]*\bsrc=)(?![^>]*type=[\"']application/json)", re.IGNORECASE),
    "inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "hx-on": re.compile(r"\bhx-on[:=]", re.IGNORECASE),
    "script address": re.compile(r"=[\"']\s*javascript:", re.IGNORECASE),
    "asset from elsewhere": re.compile(r"<(?:script|link|img)\b[^>]*(?:src|href)=[\"'](?:https?:)?//", re.IGNORECASE),
    "unescaped value": re.compile(r"\|\s*safe\b|\{%\s*autoescape\s+off"),
}


def test_templates_keep_to_the_content_security_policy() -> None:
    wrong = []
    for path in source.tracked("templates/*.html", "*/templates/*.html"):
        if source.name(path).startswith(PDF) or path.stem.endswith("_email"):
            continue
        text = re.sub(r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}|\{\{.*?\}\}", "", path.read_text(), flags=re.DOTALL)
        wrong += [f"{source.name(path)}: {what}" for what, rule in RULES.items() if rule.search(text)]

    assert wrong == []


def test_stylesheets_and_scripts_fetch_nothing_from_elsewhere() -> None:
    wrong = [
        source.name(path)
        for path in source.tracked("static/*.css", "static/*.js")
        if re.search(r"(?:url\(|@import|import\s|fetch\()\s*[\"']?(?:https?:)?//", path.read_text())
    ]

    assert wrong == []
