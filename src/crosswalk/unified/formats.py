"""Texts that may hold HTML: shown plain or without what does harm, written from plain text or Markdown. Pure."""

import html
import re

import nh3
from markdown_it import MarkdownIt

from crosswalk.unified.known import ContentFormat

TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(\s[^<>]*)?/?>")
BREAK = re.compile(r"(?i)<br\s*/?>|</(?:p|div|li|tr|h[1-6]|blockquote|pre|ul|ol|table)\s*>")
ITEM = re.compile(r"(?i)<li(?:\s[^<>]*)?>")
BLANK_LINES = re.compile(r"\n{3,}")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def is_html(text: str) -> bool:
    """Whether a text holds a tag."""
    return TAG.search(text) is not None


def show(text: str, how: ContentFormat) -> str:
    """A text of Insightly as asked for."""
    match how:
        case "original":
            return text
        case "text":
            return to_text(text)
        case "html":
            return nh3.clean(text) if is_html(text) else from_text(text)


def to_text(text: str) -> str:
    """The words of a text without its tags; ends of paragraphs and items of lists begin new lines."""
    if not is_html(text):
        return html.unescape(text)
    broken = BREAK.sub("\n", ITEM.sub("- ", text.replace("\n", " ")))
    words = html.unescape(nh3.clean(broken, tags=set()))
    lines = (" ".join(line.replace("\xa0", " ").split()) for line in words.split("\n"))
    return BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def from_text(text: str) -> str:
    """Plain text as HTML that shows it as it is."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def from_markdown(text: str) -> str:
    """Markdown as HTML; HTML inside it is shown, not followed."""
    return nh3.clean(_MARKDOWN.render(text)).strip()


def from_html(text: str) -> str:
    """HTML without what runs or loads anything."""
    return nh3.clean(text)
