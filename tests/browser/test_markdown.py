# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""What a model's text becomes on the page: markup that a reader wants, and nothing that runs, loads or submits.

A model's text is a stranger's: it repeats what it was fed. The built-in model echoes, so that what is typed comes back
as an answer in small pieces.
"""
import itertools
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

import pytest
from selenium.webdriver.common.keys import Keys

from harness.pages import ChatPage, ConsolePage
from harness.place import free_port

_numbers = itertools.count(1)

# An element's markup without what may differ between an answer drawn while it grew and one drawn whole: the wrappers of
# growing code, cuts between text nodes, white space between blocks.
SHAPE = """
const shape = (node) => {
  const copy = node.cloneNode(true);
  for (const wrapper of copy.querySelectorAll('.code-chunk, .growing-tail')) wrapper.replaceWith(...wrapper.childNodes);
  copy.normalize();
  const walker = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
  const blank = [];
  while (walker.nextNode()) {
    if (walker.currentNode.data.trim() === '' && !walker.currentNode.parentNode.closest('pre, p, li, td, th')) {
      blank.push(walker.currentNode);
    }
  }
  for (const text of blank) text.remove();
  return copy.innerHTML.replaceAll('\\n<', '<').trim();
};
"""

# Renders every text alone, whole and growing, and puts both into the page. The clock and the frames are the test's, so
# that each piece is drawn.
RENDER = SHAPE + """
const [texts, sizes, done] = arguments;
const MOST = 150; // pieces of one text: each is drawn
const run = async () => {
  const { renderMarkdown } = await import(new URL('shared/markdown.js', document.baseURI));
  const { GrowingText } = await import(new URL('js/growing-text.js', document.baseURI));
  const { requestAnimationFrame: frame } = window;
  const { now } = performance;
  let clock = 0;
  performance.now = () => (clock += 1e9);
  window.requestAnimationFrame = (draw) => { draw(); return null; };
  const host = document.createElement('div');
  host.id = 'rendered';
  document.body.append(host);
  const different = [];
  for (const text of texts) {
    const whole = document.createElement('div');
    whole.append(renderMarkdown(text));
    host.append(whole);
    for (const size of sizes) {
      const box = document.createElement('div');
      host.append(box);
      const growing = new GrowingText(box);
      const points = [...text];
      if (points.length > MOST * size) continue;
      for (let at = 0; at < points.length; at += size) growing.append(points.slice(at, at + size).join(''));
      growing.finish();
      if (shape(box) !== shape(whole)) different.push([text, size, shape(whole), shape(box)]);
    }
  }
  window.requestAnimationFrame = frame;
  performance.now = now;
  return different;
};
run().then((value) => done({ value }), (error) => done({ error: `${error}\\n${error.stack}` }));
"""

# From now on the page remembers what a script in an answer would do: ask, fail, break the policy.
WATCH = """
window.seen = [];
for (const name of ['alert', 'confirm', 'prompt', 'print', 'open', 'evil']) {
  window[name] = (...words) => { seen.push([name, ...words].join(' ')); };
}
addEventListener('error', (event) => seen.push(`error ${event.message ?? event.target}`), true);
addEventListener('unhandledrejection', (event) => seen.push(`rejection ${event.reason}`));
addEventListener('securitypolicyviolation', (event) => {
  seen.push(`policy ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""

# Everything below the elements that match which is not on the list of what Markdown may become.
UNEXPECTED = """
const [css] = arguments;
const allowed = {
  '*': ['dir'], a: ['href', 'title', 'rel', 'target'], ol: ['start'], th: ['align'], td: ['align'], pre: ['tabindex'],
  div: ['class', 'tabindex', 'role', 'aria-label'], span: ['class'], p: ['class'], button: ['class', 'type'],
  svg: ['class', 'viewBox', 'aria-hidden', 'focusable'], path: ['d'],
};
const plain = ['b', 'blockquote', 'br', 'code', 'del', 'em', 'h3', 'h4', 'h5', 'h6', 'hr', 'i', 'ins', 'kbd', 'li',
  'mark', 's', 'strong', 'sub', 'sup', 'table', 'tbody', 'thead', 'tr', 'u', 'ul'];
const wrong = [];
for (const node of document.querySelectorAll(`${css} *`)) {
  const name = node.localName;
  if (!(name in allowed) && !plain.includes(name)) wrong.push(node.outerHTML);
  for (const attribute of node.attributes) {
    if (![...(allowed[name] ?? []), ...allowed['*']].includes(attribute.name)) wrong.push(node.outerHTML);
  }
  if (name === 'a' && !(/^(https?:\\/\\/|mailto:)/i.test(node.getAttribute('href'))
      && /^(https?|mailto):$/.test(node.protocol) && node.rel === 'noopener noreferrer'
      && node.target === '_blank')) wrong.push(node.outerHTML);
}
return wrong;
"""

SAMPLE = """\
# Title **one**

A paragraph with **bold**, *slanted*, ~~gone~~ and `code <b>`,
H<sub>2</sub>O, a [link](https://example.org/?a=1&b=2 "its title") and https://example.net/x.

日本語の**太字**と「*斜体*」、🌊。

- one
- two
    1. inner
    2. list
- [x] done

3. three
4. four

| name | 数 |
|:-----|---:|
| `a`  | 1 |
| **b** | 2 |

> quoted
> > deeper

```python
def f(x):
\treturn "<b>" if x else '🌊'

\t# end
```

- a recipe

  ```make
  all:
  \techo hello
  ```

---

The end.
"""

# %s is an address that counts who asks for it.
ATTACKS = [
    "<script>evil(1)</script>", "<SCRIPT SRC=%s/1.js></SCRIPT>", "<script\x0c>evil(2)</script\x0c>",
    "<scr<script>ipt>evil(3)</scr</script>ipt>", "<img src=%s/2.png onerror=evil(4)>", "<img src=x:x onerror=evil(5)>",
    "<img/src=`x`onerror=evil(6)>", '<img """><script>evil(7)</script>">', "<img src=x srcset='%s/3.png 2x'>",
    "<image src=%s/4.png>", "<picture><source srcset=%s/5.png><img></picture>", "<svg onload=evil(8)>",
    "<svg><script>evil(9)</script></svg>", "<svg/onload=evil(10)//",
    "<svg><animate onbegin=evil(11) attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:evil(12)><text y=9>x</text></a></svg>", "<svg><image href=%s/6.svg></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=evil(13)>#x'>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=evil(14)>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=evil(15)&gt;\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=evil(16)>",
    "<math href=javascript:evil(17)>x</math>", "<iframe src=%s/7.html></iframe>",
    "<iframe srcdoc='<script>parent.evil(18)</script>'></iframe>", "<iframe src=javascript:evil(19)>",
    "<object data=%s/8.swf></object>", "<embed src=%s/9.swf>", "<applet code=x archive=%s/10.jar></applet>",
    "<frameset onload=evil(20)>", "<video src=%s/11.mp4 autoplay onerror=evil(21)></video>",
    "<audio src=%s/12.mp3 autoplay></audio>", "<video poster=%s/13.png></video>",
    "<link rel=stylesheet href=%s/14.css>", "<link rel=prefetch href=%s/15>",
    "<link rel=dns-prefetch href=//example.org>", "<style>@import '%s/16.css';</style>",
    "<style>body{background:url(%s/17.png)}</style>", "<p style='background:url(%s/18.png)'>styled</p>",
    "<div style=width:expression(evil(22))>", "<body onload=evil(23)>", "<body background=%s/19.png>",
    "<table background=%s/20.png><tr><td>x</table>", "<meta http-equiv=refresh content='0;url=%s/21'>",
    "<base href=%s/>",
    "<form action=%s/22><input name=password autofocus onfocus=evil(24)><button>Log in</button></form>",
    "<input type=image src=%s/23.png>", "<isindex action=javascript:evil(25)>",
    "<button form=composer formaction=javascript:evil(26)>x</button>", "<select autofocus onfocus=evil(27)>",
    "<textarea autofocus onfocus=evil(28)></textarea>", "<details open ontoggle=evil(29)>x</details>",
    "<marquee onstart=evil(30)>x</marquee>", "<dialog open>Your session has ended</dialog>",
    "<a id=shell name=shell>clobber</a>", "<img name=body><img name=cookie>",
    "<form id=composer><input id=attributes name=attributes></form>", "<template><script>evil(31)</script></template>",
    "<noscript><p title=\"</noscript><img src=x onerror=evil(32)>\">",
    "<xmp><p title=\"</xmp><img src=x onerror=evil(33)>\">", "<!--><img src=x onerror=evil(34)>-->",
    "<![CDATA[<img src=x onerror=evil(35)>]]>", "<?xml-stylesheet href='%s/24.css'?>",
    "<b onmouseover=evil(36)>hover</b>", "<b>open, <i>never closed", "</div></main><script>evil(37)</script>",
    "<x onclick=evil(38)>x</x>", "<a href=javascript:evil(39)>x</a>", "<a href=%s/25 ping=%s/26>x</a>",
    "<pre>&lt;img src=x onerror=evil(40)&gt;</pre>", "&lt;script&gt;evil(41)&lt;/script&gt;",
    "[x](javascript:evil(42))", "[x](JaVaScRiPt:evil(43))", "[x](java\tscript:evil(44))",
    "[x](&#106;avascript:evil(45))", "[x](javascript&colon;evil(46))", "[x](\x01javascript:evil(47))",
    "[x](<javascript:evil(48)>)", "[x](data:text/html,<script>evil(49)</script>)",
    "[x](data:text/html;base64,PHNjcmlwdD5ldmlsKDUwKTwvc2NyaXB0Pg==)", "[x](vbscript:evil(51))",
    "[x](file:///etc/passwd)", "[x](blob:https://example.org/1)", "[x](//example.org/)", "[x](/chat-admin/)",
    "[x](api/logout)", "[x](?c=1)", "[x](#composer)", "[x](https:evil)", "<javascript:evil(52)>",
    "[x]: javascript:evil(53)\n\n[x]", "![x](javascript:evil(54))", "![x](data:image/svg+xml,<svg/onload=evil(55)>)",
    "![x](%s/27.png)", "![x](%s/28.png \"a\" onerror=\"evil(56)\")", "![\"onerror=\"evil(57)](x)",
    "![<img src=%s/29.png>](%s/30.png)", "[![x](%s/31.png)](javascript:evil(58))",
    "[a](https://x\"onclick=\"evil(59))", "[a](https://example.org \"'><script>evil(60)</script>\")",
    "https://example.org/\"onmouseover=\"evil(61)", "```<img src=x onerror=evil(62)>\ncode\n```",
    "```\"><script>evil(63)</script>\ncode", "`<img src=x onerror=evil(64)>`",
    "| <img src=x onerror=evil(65)> | b |\n|---|---|\n| <script>evil(66)</script> | [x](javascript:evil(67)) |",
    "# <img src=x onerror=evil(68)>", "- <iframe src=%s/32>\n- [ ] <script>evil(69)</script>",
    "> <svg onload=evil(70)>", "<sub><script>evil(71)</script></sub>", "<b><img src=x onerror=evil(72)></b>",
    "<br onclick=evil(73)>", "{{constructor.constructor('evil(74)')()}}", "${evil(75)}",
    "\ufdd0<script>evil(76)</script>\t\ufdd0", "<s\ufffdcript>evil(77)</script>",
]

# Texts that are hard to draw in pieces.
PIECEMEAL = [
    SAMPLE, "", "\n\n", "one\ntwo", "```js\nopen\n", "```js\nopen", "~~~\n```\n~~~\nafter", "````\n```\n````",
    "   ```\n  x\n  ```\n", "text\n```\ncode\n```\ntext", "- a\n\n  b\n\n\n- c\n1. d", "* a\n* b\n\npara\n\n* c",
    "1. a\n\n   ```\n   \tx\n   ```\n\n2. b", "a | b\n--|--\n1 | 2\n\nafter", "| a |\n|---|",
    "Title\n=====\n\nTitle\n---\n", "> a\nb\n\n> c", "    indented\n\n\tcode\n\nafter",
    "[a]\n\n[a]: https://example.org", "<b>x\n\ny</b>\n\nz", "<div>\n\n**x**\n\n</div>", "**bold\n\nnot bold**",
    "a\r\nb\r\n\r\nc\r", "\ta\n\n- b\n\t- c\n\t\t- d", "# a\n## b\n####### c", "***\n\n---\n___", "a\\\nb  \nc",
    "![a](https://example.org/a.png)\n\n![", "日本語\n\n```\n日本\n```\n", "\u202eevil\u202c \u2066x",
    "x" * 7000 + "\n\n*y*", "```\n" + "line\n" * 100 + "```\n",
]

# Some hundred kilobytes that marked alone works on for minutes: here the work has bounds.
TOO_MUCH = [
    "***a* ", "**a* ", "****a** ", "~~a ~b~ ", "a__b", "~a~b", "_a*", "![[a](b)](", "http://a((", "> ", "1. ", "- ",
]


class Counter:
    """Somebody else's server: `asked` are the paths that were asked of it."""

    def __init__(self):
        counter = self
        self.asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                counter.asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            do_POST = do_HEAD = do_OPTIONS = do_GET

            def log_message(self, *_):
                pass

        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def elsewhere():
    made = Counter()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(make_module_httpd, database):
    return make_module_httpd(database.conninfo, mock="echo wait=0ms pace=2ms")


@pytest.fixture
def person(database):
    return database.add_user(f"mika-{next(_numbers)}")


@pytest.fixture
def chat(server, browser, person):
    return ChatPage(browser, server).enter(person)


def render(browser, texts, *sizes):
    """Render each text whole and in pieces of these sizes; [(text, size, whole, grown)] of those that differ."""
    result = browser.driver.execute_async_script(RENDER, texts, list(sizes))
    assert "error" not in result, result["error"]
    return result["value"]


def shape_of(browser, css):
    return browser.run(SHAPE + "return shape(document.querySelector(arguments[0]))", css)


def test_markdown_becomes_what_a_reader_expects(chat, browser):
    chat.ask(SAMPLE)
    body = ".message-answer .message-body"
    texts = lambda css: chat.texts(f"{body} {css}")  # noqa: E731
    assert texts("h3") == ["Title one"]
    assert texts("h3 strong") == ["one"]
    assert texts("p strong") == ["bold", "太字"]
    assert texts("em") == ["slanted", "斜体"]
    assert texts("del") == ["gone"]
    assert texts("p > code") == ["code <b>"]
    assert texts("sub") == ["2"]
    assert texts("ul > li > ol > li") == ["inner", "list"]
    assert texts('ol[start="3"] > li') == ["three", "four"]
    assert any(text == "☑ done" for text in texts("li"))
    assert texts(".table-scroll[tabindex] th") == ["name", "数"]
    assert texts('td[align="right"]') == ["1", "2"]
    assert texts("blockquote blockquote") == ["deeper"]
    assert texts(".code-language") == ["python", "make"]
    assert len(texts("hr")) == 1
    code = browser.run("return [...document.querySelectorAll('.message-answer pre')].map((node) => node.textContent)")
    assert code == ["def f(x):\n\treturn \"<b>\" if x else '🌊'\n\n\t# end\n", "all:\n\techo hello\n"]
    chat.click(".code-copy")
    browser.see_text("Copied", ".code-copy")
    chat.click("#composer-text").send_keys(Keys.CONTROL, "v")
    browser.wait(lambda: chat.draft == code[0], "the copied code, with its tabs, in the composer")
    links = browser.run("return [...document.querySelectorAll('.message-answer .message-body a')].map((a) => "
                        "[a.textContent, a.getAttribute('href'), a.title, a.rel, a.target])")
    assert links == [["link", "https://example.org/?a=1&b=2", "its title", "noopener noreferrer", "_blank"],
                     ["https://example.net/x", "https://example.net/x", "", "noopener noreferrer", "_blank"]]
    assert browser.run(UNEXPECTED, body) == []


def test_an_answer_that_grew_looks_as_when_it_is_read_again(chat, browser, server, database):
    """On this page, after a reload, and on the operators' page."""
    chat.ask(SAMPLE)
    grown = shape_of(browser, ".message-answer .message-body")
    conversation = chat.conversation_id
    browser.driver.refresh()
    chat.answer()
    assert shape_of(browser, ".message-answer .message-body") == grown
    browser.run("localStorage.clear()")
    browser.driver.delete_all_cookies()
    console = ConsolePage(browser, server)
    console.open(f"?conversation={conversation}")
    console.log_in(database.add_user(f"auditor-{next(_numbers)}", "admin"))
    console.read("a question about drawing")
    browser.see(".message-assistant .markdown strong")
    assert shape_of(browser, ".message-assistant .markdown") == grown
    assert browser.run(UNEXPECTED, ".message-assistant .markdown") == []


def test_a_text_in_pieces_becomes_what_the_whole_becomes(chat, browser):
    assert render(browser, PIECEMEAL, 1, 8, 100) == []


def test_nothing_in_an_answer_runs_loads_or_submits(chat, browser, server, elsewhere, database):
    """[D3] [D4] Each string as a text of its own, all together as an answer, and that answer on the operators' page."""
    attacks = [text.replace("%s", elsewhere.url) for text in ATTACKS]
    together = "\n\n---\n\n".join(attacks)
    browser.run(WATCH)
    assert render(browser, attacks, 4) == []
    assert browser.run(UNEXPECTED, "#rendered") == []
    chat.send(together)
    chat.answer()
    assert browser.run(UNEXPECTED, ".message-answer .message-body") == []
    assert "<script>evil(1)</script>" in chat.answers[-1]
    assert "Image: x" in chat.answers[-1]
    conversation = chat.conversation_id
    assert browser.run("return window.seen") == []
    browser.run("localStorage.clear()")
    browser.driver.delete_all_cookies()
    console = ConsolePage(browser, server)
    console.open(f"?conversation={conversation}")
    console.log_in(database.add_user(f"auditor-{next(_numbers)}", "admin"))
    browser.run(WATCH)
    console.read("a suspicion")
    browser.see(".message-assistant .markdown hr")
    assert browser.run(UNEXPECTED, ".message-assistant .markdown") == []
    assert browser.run("return window.seen") == []
    urlopen(f"{elsewhere.url}/control", timeout=5).close()
    assert elsewhere.asked == ["/control"]


def test_what_is_watched_for_is_seen(chat, browser, elsewhere):
    """The two tests above could see it if something ran or loaded."""
    browser.expect_console("Content Security Policy", "TrustedHTML", "Failed to load resource", "Refused")
    browser.run(WATCH)
    browser.run("""
const box = document.createElement('div');
box.id = 'rendered';
const image = document.createElement('img');
image.src = arguments[0];
const link = document.createElement('a');
link.href = 'javascript:evil(1)';
box.append(image, link);
document.body.append(box);
try { box.innerHTML = '<b>x</b>'; } catch (error) { seen.push(String(error)); }
evil('here');
""", elsewhere.url + "/picture.png")
    browser.wait(lambda: any("img-src" in line for line in browser.run("return window.seen")), "the policy's report")
    seen = "\n".join(browser.run("return window.seen"))
    assert "evil here" in seen and "TrustedHTML" in seen
    assert len(browser.run(UNEXPECTED, "#rendered")) == 3
    assert elsewhere.asked == []


def test_no_text_holds_the_page_for_long(chat, browser):
    """All is drawn, as markup, before the driver gives the script up; marked without bounds works for minutes on it."""
    assert render(browser, [shape * (60000 // len(shape)) for shape in TOO_MUCH]) == []
    assert browser.find("#rendered .plain-text") == []
    assert len(browser.find("#rendered > div")) == len(TOO_MUCH)
