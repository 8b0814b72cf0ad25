"""JSON as people keep it: with comments, trailing commas and placeholders, made strict without moving a line."""

import json
import re

# A string may hold a template in whose words stand quotation marks of their own.
_STRING = r'"(?>\{\{[^\n]*?\}\}|<%[^\n]*?%>|\\.|[^"\\\n])*+"'
_TOKEN = re.compile(
    rf"(?P<string>{_STRING})"
    r"|(?P<comment>//[^\n]*|/\*.*?\*/|\#[^\n]*)"
    r"|(?P<template>\{\{[^\n]*?\}\}|\$\{[^}\n]*\}|<[A-Za-z_][\w .-]*>|\$\$\$[^\n]*?\$\$\$"
    r"|<%[^\n]*?%>|\$\([A-Za-z_][\w.]*\)|\$[A-Za-z_]\w*|%[A-Za-z_]\w+%|@@?[A-Z][A-Z0-9_]+@@?)",
    re.DOTALL,
)
_TRAILING = re.compile(rf"{_STRING}|,(?=\s*[\]}}])")
_TEMPLATE = re.compile(r"\{\{.*?\}\}|<%.*?%>")
_BARE_QUOTE = re.compile(r'(?<!\\)"')
_YAML_TEMPLATE = re.compile(r"^(\s*(?:- +)*(?:[\w.-]+:)?[ \t]+|\s*-[ \t]+)(\{\{.*\}\}[^\n#]*)$", re.MULTILINE)


def strict_json(text: str) -> str:
    """The same without comments and trailing commas, placeholders as texts; every line stays where it is."""
    without = _TOKEN.sub(_token, text)
    return _TRAILING.sub(lambda found: "" if found.group() == "," else found.group(), without)


def quoted_yaml(text: str) -> str:
    """YAML in which a value that starts with a template is a text."""
    return _YAML_TEMPLATE.sub(lambda found: f"{found[1]}'{found[2].rstrip().replace(chr(39), chr(39) * 2)}'", text)


def _token(found: re.Match[str]) -> str:
    text = found.group()
    if found.lastgroup == "comment":
        return re.sub(r"[^\n]", " ", text)
    if found.lastgroup == "template":
        return json.dumps(text)
    return _TEMPLATE.sub(lambda inner: _BARE_QUOTE.sub(r'\\"', inner.group()), text)
