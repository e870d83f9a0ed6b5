"""Templates that speak the reader's language: what code puts into them is said, numbers in attributes stay plain.

Code fills templates with sentences that it makes in English: labels, reasons, refusals. Whether a variable holds such a
sentence is told by its name: `{{ row.problem }}` reads as `{{ row.problem|said }}`, `{{ site.name }}` stays. Numbers
that fill an attribute (a width, a value) stay as machines read them, whatever the language.
"""

import re

from django.template import Origin
from django.template.loaders import app_directories, filesystem

SENTENCES = frozenset((
    "about", "act", "action", "actions", "all", "all_label", "also", "answer", "because", "cancel_reason",
    "cause", "choice_label", "col", "column", "concern", "condition", "consequence", "costs", "count_text",
    "country", "decided_because", "declined_because", "detail", "details", "due_detail", "effect", "empty",
    "error", "explanation", "field_label", "group", "head", "header", "heading", "help", "help_text", "hint",
    "item_label", "known_as", "label", "lacks", "lead", "left_out", "legend", "message", "moved_because",
    "next_step", "note_for_approver", "operation", "placeholder", "problem", "promise", "question", "reason",
    "refusal", "refused", "right", "rule_text", "said", "says", "search_label", "sentence", "short", "slip",
    "slip_reason", "sort_label", "standing", "state_label", "step_label", "strong", "sub", "sub_title",
    "suggested_said", "summary", "text", "title", "told", "trouble", "urgency", "verb", "void_because", "waits",
    "waits_because", "what", "when", "when_label", "where", "which", "who", "why", "why_not", "why_not_act",
    "why_not_cancel", "why_not_skip", "wish", "word", "words", "wrong",
))  # fmt: skip
NAMED = frozenset(("figure.note", "figure.value", "block.all_label", "block.hint"))
READ = frozenset(("title", "alt", "placeholder", "label", "aria-label", "hx-confirm", "data-confirm", "data-label"))
VARIABLE = re.compile(r"\{%\s*translate\s+([a-z][\w.]*)\s*%\}")
HOLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
ATTRIBUTE = re.compile(r"""([\w:@.-]+)=(["'])(?:(?!\2)[^<>])*$""")
TRANSLATED = re.compile(r"\{%\s*(blocktranslate|blocktrans)\b(.*?)%\}.*?\{%\s*end\1\s*%\}", re.DOTALL)
GIVEN = re.compile(r"(\b\w+=)([\w.]+)(?=[\s|%])")
TYPED = re.compile(r"\b(mentions|linebreaks(br)?|urlencode|state)\b")  # what people typed, addresses, states by name
LOWER = re.compile(r"\|lower\b")


def voiced(source: str) -> str:
    """The template's text with `said` where code's sentences are shown, and `plain` where machines read."""
    source = VARIABLE.sub(r"{{ \1|said }}", source)
    pieces, at = [], 0
    bare = TAG.sub(lambda tag: "\x00" * len(tag[0]), source)
    for block in TRANSLATED.finditer(source):
        pieces.append(_holes(source, bare, at, block.start()))
        head = GIVEN.sub(lambda given: given[1] + _said(given[2]), block[2])
        pieces.append(block[0].replace(block[2], head, 1))
        at = block.end()
    pieces.append(_holes(source, bare, at, len(source)))
    return "".join(pieces)


def _holes(source: str, bare: str, start: int, end: int) -> str:
    pieces, at = [], start
    for hole in HOLE.finditer(source, start, end):
        name, bar, filters = hole[1].partition("|")
        inside = ATTRIBUTE.search(bare, max(0, hole.start() - 500), hole.start())
        pieces.append(source[at : hole.start()])
        if TYPED.search(filters) or filters.startswith("said"):
            pieces.append(hole[0])
        elif inside and inside[1] not in READ:
            pieces.append(f"{{{{ {hole[1]}|plain }}}}")
        else:
            pieces.append(f"{{{{ {_said(name)}{LOWER.sub('|lowered', bar + filters)} }}}}")
        at = hole.end()
    return "".join([*pieces, source[at:end]])


def _said(name: str) -> str:
    last = name.rpartition(".")[2]
    ours = name in NAMED or last in SENTENCES or (last.startswith("get_") and last.endswith("_display"))
    return f"{name}|said" if ours else name


class Loader(filesystem.Loader):
    """The product's own templates."""

    def get_contents(self, origin: Origin) -> str:
        """The file, voiced."""
        return voiced(super().get_contents(origin))


class OfApps(app_directories.Loader):
    """Templates of libraries; only those of form fields stand on our pages."""

    def get_contents(self, origin: Origin) -> str:
        """The file; voiced when it draws a form field."""
        content = super().get_contents(origin)
        return voiced(content) if str(origin.template_name).startswith("django/forms/") else content
