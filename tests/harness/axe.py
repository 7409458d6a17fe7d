# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""axe-core's judgement of what a browser shows: names, roles, contrast, order of headings and the like.

    assert axe.violations(browser) == []
"""
from .place import BUILD

_GRAVE = ("serious", "critical")
_RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ['violations'] }).then(
  ({ violations }) => done(violations.map(({ id, impact, help, nodes }) =>
    [id, impact, help, nodes.map((node) => `${node.target.join(' ')}: ${node.html.slice(0, 200)} ${node.failureSummary}`)])),
  (error) => done(String(error)));
"""


def violations(browser):
    """What is serious or critical, a text each."""
    if not browser.run("return 'axe' in window"):
        browser.run((BUILD / "tests" / "axe.min.js").read_text(encoding="utf-8"))
    # What fades in has the contrast of neither end.
    browser.run("for (const a of document.getAnimations()) { try { a.finish() } catch { a.cancel() } }")
    found = browser.driver.execute_async_script(_RUN)
    assert isinstance(found, list), found
    return [f"{impact} {name}: {words}\n  " + "\n  ".join(nodes) for name, impact, words, nodes in found
            if impact in _GRAVE]
