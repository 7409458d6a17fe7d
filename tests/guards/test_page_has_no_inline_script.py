# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""The pages can be served with a strict content security policy: no inline script or style, nothing from elsewhere, and
text becomes HTML in the one module that sanitizes it."""
import re
from html.parser import HTMLParser

from harness.sources import files, text

PAGES = [path for below in ("mod_chatsession/page", "admin/console") for path in files(".html", below=below)]
SCRIPTS = [path for below in ("mod_chatsession/page", "admin/console") for path in files(".js", below=below)]
SANITIZER = "mod_chatsession/page/shared/markdown.js"
SINK = re.compile(r"\.(?:inner|outer)HTML\s*\+?=(?!=)|\.insertAdjacentHTML\s*\(|\bdocument\.write(?:ln)?\s*\(|"
                  r"\bcreateContextualFragment\s*\(|\bnew\s+DOMParser\b|\bsetHTMLUnsafe\s*\(|\.srcdoc\s*=")
# Refused by the policy anywhere, so a defect also in the sanitizer.
EVALUATION = re.compile(r"(?<![\w.])eval\s*\(|\bnew\s+Function\s*\(|\bset(?:Timeout|Interval)\s*\(\s*['\"`]|"
                        r"setAttribute\s*\(\s*['\"](?:style|on\w+)['\"]")
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//|^(?:javascript|data):", re.IGNORECASE)


class Inspector(HTMLParser):
    def __init__(self):
        super().__init__()
        self.problems = []
        self._inside = None

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.problems.append(f"<{tag}> has the attribute {name}")
            if name in ("src", "href", "action", "formaction") and ELSEWHERE.match(value or ""):
                self.problems.append(f"<{tag} {name}> leads to {value}")
        if tag == "style":
            self.problems.append("<style>")
        self._inside = tag if tag == "script" else None

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside == "script" and data.strip():
            self.problems.append("<script> with text in it")


def problems_of_page(source):
    inspector = Inspector()
    inspector.feed(source)
    return inspector.problems


def without_comments(script):
    return re.sub(r"/\*.*?\*/|(?<![:'\"`\\])//[^\n]*", "", script, flags=re.DOTALL)


def test_pages_hold_no_inline_script_or_style_and_load_nothing_from_elsewhere():
    assert len(PAGES) >= 2
    assert [f"{path}: {problem}" for path in PAGES for problem in problems_of_page(text(path))] == []


def test_text_becomes_html_only_in_the_sanitizer():
    """[D3]"""
    assert SANITIZER in map(str, SCRIPTS)
    assert [f"{path}: {hit}" for path in SCRIPTS if str(path) != SANITIZER
            for hit in SINK.findall(without_comments(text(path)))] == []


def test_scripts_evaluate_no_text():
    assert [f"{path}: {hit}" for path in SCRIPTS for hit in EVALUATION.findall(without_comments(text(path)))] == []


def test_the_guard_sees_what_it_must_see():
    assert len(problems_of_page("<p onclick=x style=y><script>z</script><style></style>"
                                "<script src='https://cdn.example/x.js'></script><a href='javascript:x'>")) == 6
    assert problems_of_page("<script type=module src='js/main.js'></script>") == []
    for line in ("a.innerHTML = b", "a.outerHTML += b", "a.insertAdjacentHTML('x', b)", "document.write(x)"):
        assert SINK.search(line)
    assert not SINK.search("a.innerHTML === b")
    for line in ("eval (x)", "new Function('x')", "setTimeout('x')", "e.setAttribute('style', x)"):
        assert EVALUATION.search(line)
