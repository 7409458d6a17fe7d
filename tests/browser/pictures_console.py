# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Not a test: `make pictures` makes the console's pictures anew. Those of README.md and the handbook go to docs/pictures; every
screen, dialog and state in both languages, at two widths, light and dark, to build/screenshots, to be looked at."""
import random
import shutil
from urllib.parse import quote

import pytest
from selenium.webdriver.common.keys import Keys

from harness.client import Client
from harness.pages import ConsolePage
from harness.place import TREE
from harness.postgres import drop_database, new_database
from harness.world import World

PICTURES = TREE / "docs" / "pictures"
WIDE, PHONE = (1280, 900), (390, 844)
WORDS = {
    "en": {"language": "en-US", "people": ["mika", "jonas", "priya", "tom\u00e1s"], "operator": "olga", "tags": ["billing", "praise"],
           "matter": "Tanaka v. Acme", "why": "Letter of counsel, 3 May", "reason": "ticket 4711", "comment": "The date is wrong.", "search": "invoice",
           "talks": [("Where is my invoice?", "When does my invoice for May come?", "Invoices are sent on the **third working day**:\n\n| Month | Sent |\n|---|---|\n| April | 5 May |\n| May | 3 June |"),
                     ("Names for a cat", "A name for a grey cat?", "*Ash*, *Slate* or *Pixel*."), ("SQL: the newest row per group", "How do I get the newest row?", "```sql\nSELECT DISTINCT ON (g) *\nFROM t ORDER BY g, at DESC;\n```"),
                     ("Bread without kneading", "How long does it rest?", "Twelve hours at room temperature."), ("Trip to Kyoto", "Three days in Kyoto?", "Day 1: Higashiyama. Day 2: Arashiyama."),
                     ("Letter to the landlord", "The heating is broken.", "Dear Ms Weber, since Monday \u2026")]},
    "ja": {"language": "ja-JP", "people": ["\u7f8e\u9999", "\u7530\u4e2d\u5065\u4e00", "sato", "\u9234\u6728"], "operator": "\u7ba1\u7406\u62c5\u5f53", "tags": ["\u8acb\u6c42", "\u6ce8\u76ee"],
           "matter": "\u7530\u4e2d\u5bfe\u30a2\u30af\u30e1\u793e", "why": "5 \u6708 3 \u65e5\u4ed8\u306e\u66f8\u9762", "reason": "\u554f\u3044\u5408\u308f\u305b 4711", "comment": "\u65e5\u4ed8\u304c\u9055\u3044\u307e\u3059\u3002", "search": "\u8acb\u6c42",
           "talks": [("\u8acb\u6c42\u66f8\u306f\u3044\u3064\u5c4a\u304d\u307e\u3059\u304b", "\u8acb\u6c42\u66f8\u304c\u307e\u3060\u5c4a\u304d\u307e\u305b\u3093\u3002", "\u8acb\u6c42\u66f8\u306f**\u7b2c 3 \u55b6\u696d\u65e5**\u306b\u304a\u9001\u308a\u3057\u307e\u3059\u3002\n\n| \u6708 | \u767a\u9001\u65e5 |\n|---|---|\n| 4 \u6708 | 5 \u6708 5 \u65e5 |\n| 5 \u6708 | 6 \u6708 3 \u65e5 |"),
                     ("\u732b\u306e\u540d\u524d", "\u7070\u8272\u306e\u732b\u306e\u540d\u524d\u306f\uff1f", "\u300c\u3059\u307f\u300d\u304b\u300c\u306f\u3044\u300d\u306f\u3044\u304b\u304c\u3067\u3057\u3087\u3046\u3002"), ("SQL: \u30b0\u30eb\u30fc\u30d7\u3054\u3068\u306e\u6700\u65b0\u884c", "\u6700\u65b0\u306e\u884c\u3092\u53d6\u308b\u306b\u306f\uff1f", "```sql\nSELECT DISTINCT ON (g) *\nFROM t ORDER BY g, at DESC;\n```"),
                     ("\u3053\u306d\u306a\u3044\u30d1\u30f3", "\u4f55\u6642\u9593\u4f11\u307e\u305b\u307e\u3059\u304b\uff1f", "\u5ba4\u6e29\u3067 12 \u6642\u9593\u3067\u3059\u3002"), ("\u4eac\u90fd\u65c5\u884c\u306e\u8a08\u753b", "\u4eac\u90fd\u3067 3 \u65e5\u9593\uff1f", "1 \u65e5\u76ee\u306f\u6771\u5c71\u30012 \u65e5\u76ee\u306f\u5d50\u5c71\u3002"),
                     ("\u5927\u5bb6\u3055\u3093\u3078\u306e\u624b\u7d19", "\u6696\u623f\u304c\u58ca\u308c\u307e\u3057\u305f\u3002", "\u5927\u5bb6\u69d8\u3001\u6708\u66dc\u65e5\u304b\u3089\u2026")]},
}
# docs/pictures/NAME.png out of build/screenshots.
KEPT = {"en": {"console": "list-1280-light", "console-home": "home-1280-light", "console-dark": "home-1280-dark", "console-transcript": "transcript-1280-light",
               "console-expire": "expire-1280-light", "console-phone": "list-390-light"},
        "ja": {"console-ja": "list-1280-light"}}
_HANG = "window.fetch = () => new Promise(() => {})"
_FAIL = ("window.fetch = async () => new Response(JSON.stringify({ error: 'unavailable', detail: 'The database cannot be reached.',"
         " request_id: 'aZ91' }), { status: 503, headers: { 'Content-Type': 'application/json' } })")


@pytest.fixture(scope="module", params=WORDS)
def scene(request, make_module_httpd, postgres):
    database = new_database(postgres)
    httpd = make_module_httpd(database.conninfo, backends=["qwen3 http://127.0.0.1:9/v1", "llama http://127.0.0.1:9/v1"], lines=["ChatSessionSweepInterval 100ms"])
    world = World(httpd, database)
    yield Scene(request.param, httpd, world)
    world.close()
    httpd.stop()
    drop_database(database)


class Scene:
    """A service of a few weeks, with something of everything; the screens walk through it."""

    def __init__(self, tongue, httpd, world):
        self.tongue, self.httpd, self.world, self.words = tongue, httpd, world, WORDS[tongue]
        world.connection.execute("DELETE FROM chatsession.conversations")
        for name in self.words["people"]:
            world.users[name] = world.database.add_user(name)
        world.users[self.words["operator"]] = world.database.add_user(self.words["operator"], "admin")
        world.ids.update(dict(world.connection.execute("SELECT name, id::text FROM chatsession.users").fetchall()))
        self.user = world.users[self.words["operator"]]
        self.things = self.talk()
        self.operate()

    def sql(self, statement, *values):
        return self.world.connection.execute(statement, values)

    def talk(self):
        made, die = [], random.Random(5)
        for n in range(30):
            title, question, answer = self.words["talks"][n % 6]
            thing = self.world.thing(self.words["people"][n % 4 if n else 0], title=title, question=question, answer=answer)
            self.sql("UPDATE chatsession.messages SET model = %s, finish_reason = 'stop', created_at = now() - %s * interval '7 h' - interval '4 s',"
                     " finished_at = now() - %s * interval '7 h', usage = '{\"prompt_tokens\": 420, \"completion_tokens\": 180, \"total_tokens\": 600}'"
                     " WHERE id = %s", die.choice(["qwen3", "llama"]), n, n, thing.answer)
            self.sql("UPDATE chatsession.messages SET created_at = now() - %s * interval '7 h' - interval '5 s' WHERE id = %s", n, thing.question)
            self.sql("UPDATE chatsession.conversations SET updated_at = now() - %s * interval '7 h', created_at = now() - %s * interval '8 h' WHERE id = %s",
                     n, n, thing.conversation)
            made.append(thing)
        self.sql("UPDATE chatsession.conversations SET tags = %s WHERE id = %s", self.words["tags"], made[0].conversation)
        self.sql("UPDATE chatsession.messages SET status = 'interrupted' WHERE id = %s", made[3].answer)
        self.sql("INSERT INTO chatsession.feedback VALUES (%s, -1, %s), (%s, 1, NULL), (%s, 1, 'OK')", made[0].answer, self.words["comment"], made[1].answer, made[2].answer)
        self.sql("INSERT INTO chatsession.storage_samples (at, database_bytes, conversations, messages, trashed) SELECT date_trunc('hour', now()) - n * interval '1 day',"
                 " 9000000 - n * 120000, 30 - n / 2, 60 - n, 0 FROM generate_series(1, 28) n ON CONFLICT DO NOTHING")
        return made

    def operate(self):
        client = Client(self.httpd.url)
        client.login(self.user)
        console, first = client.console, self.things[0].conversation
        self.matter = console.json("POST", "api/matters", 201, json={"name": self.words["matter"], "reason": self.words["why"],
                                                                     "users": [self.words["people"][1]], "ids": [first]})["id"]
        console.json("POST", "api/retention", 200, json={"rule": {"subject": "role", "value": "user", "clock": "idle", "keep_days": 90},
                                                         "dry_run": False, "confirm": {"conversations": 0}})
        console.json("POST", "api/views", 201, json={"name": self.words["tags"][0], "query": f"tag={quote(self.words['tags'][0])}", "shared": True})
        for thing in (self.things[8], *self.things[10:12]):
            console.json("POST", "api/conversations/expire", 200, json={"ids": [thing.conversation], "dry_run": False, "confirm": {"conversations": 1}})
        console.json("POST", "api/conversations/expire", 202, json={"ids": [self.things[12].conversation], "dry_run": False, "confirm": {"conversations": 1}, "job": True})
        console.get("api/export?format=ndjson")
        console.get(f"api/conversations/{first}", params={"reason": self.words["reason"]})


class Walk(ConsolePage):
    """Screens and dialogs in a browser, a picture of each."""

    def __init__(self, scene, browser):
        super().__init__(browser, scene.httpd)
        self.scene = scene

    def look(self, name):
        self.browser.run("document.activeElement?.matches('.title-link, h1') && document.activeElement.blur()")
        self.pictures(f"console-{name}-{self.scene.tongue}", (WIDE, PHONE))

    def screen(self, name, query):
        self.open(query)
        self.loaded()
        self.look(name)

    def push(self, css, number=0):
        """Click the visible match of that number, whatever it says."""
        def attempt():
            seen = [one for one in self.browser.find(css) if one.is_displayed()]
            return len(seen) > abs(number) - (number < 0) and (seen[number].click() or True)
        self.browser.wait(attempt, f"{css}, number {number}")

    def dialog_of(self, name, css, number=0, fill=()):
        """Open a dialog by that button, look, close."""
        self.push(css, number)
        self.browser.see("dialog[open]")
        self.browser.wait(lambda: not self.browser.find("dialog [aria-busy]"), "the dialog to be filled")
        for field, text in fill:
            self.write(field, text)
        self.look(name)
        self.press(Keys.ESCAPE)
        self.browser.gone("dialog[open]")


def test_pictures_of_the_way_in(scene, make_browser):
    browser = make_browser(*WIDE, language=scene.words["language"])
    walk = Walk(scene, browser)
    walk.open()
    browser.see("#login-username")
    walk.look("login")
    walk.log_in(scene.world.users["anna"])
    browser.see(".entrance-card .button")
    browser.wait(lambda: not browser.find("#login-username"), "the refusal")
    walk.look("denied")
    browser.driver.delete_all_cookies()
    walk.enter(scene.world.users["vera"])
    walk.screen("viewer-list", "?view=conversations")
    walk.screen("viewer-transcript", f"?conversation={scene.things[0].conversation}")
    walk.open("?view=audit")
    browser.see(".state-box")
    walk.look("viewer-no-screen")


def test_pictures_of_screens(scene, make_browser):
    browser = make_browser(*WIDE, language=scene.words["language"])
    walk = Walk(scene, browser).enter(scene.user)
    for name, query in (("home", ""), ("list", "?view=conversations"), ("list-search", f"?view=conversations&q={quote(scene.words['search'])}"),
                        ("list-all-columns", "?view=conversations&state=all&cols=user,updated,created,messages,models,state,feedback,notWhole,tokens"),
                        ("list-nothing", "?view=conversations&user=nobody&feedback=down&min_messages=7"), ("list-trash", "?view=conversations&state=trashed"),
                        ("feedback", "?view=feedback"), ("feedback-nothing", "?view=feedback&user=nobody"), ("holds", "?view=holds"),
                        ("matter", f"?view=holds&matter={scene.matter}"), ("retention", "?view=retention"), ("jobs", "?view=jobs"), ("users", "?view=users"),
                        ("user", f"?view=users&name={quote(scene.words['people'][0])}"), ("user-own", f"?view=users&name={quote(scene.user.name)}"),
                        ("sessions", "?view=sessions"), ("audit", "?view=audit"), ("audit-nothing", "?view=audit&operator=nobody"), ("settings", "?view=settings")):
        walk.screen(name, query)
    walk.open(f"?conversation={scene.things[0].conversation}")
    browser.see("#reason")
    walk.look("reason")
    walk.read(scene.words["reason"])
    browser.see(".markdown table")
    walk.look("transcript")
    walk.push(".message-details summary", -1)
    walk.look("transcript-details")
    browser.expect_console("404")
    walk.open("?conversation=00000000-0000-4000-8000-000000000000")
    browser.see("#reason")
    walk.write("#reason", scene.words["reason"])
    walk.push("dialog[open] .button-primary")
    browser.gone("dialog[open]")
    walk.loaded()
    walk.look("transcript-missing")
    walk.open(f"?conversation={scene.things[8].conversation}")
    walk.read(scene.words["reason"])
    walk.look("transcript-trashed")


def test_pictures_of_dialogs(scene, make_browser):
    browser = make_browser(*WIDE, language=scene.words["language"])
    walk = Walk(scene, browser).enter(scene.user, "?view=conversations")
    walk.loaded()
    walk.push(".filter-more summary")
    walk.push(".column-choice summary")
    walk.look("filter-open")
    walk.push(".column-choice summary")
    walk.push("tbody input[type=checkbox]")
    walk.push("tbody input[type=checkbox]", 3)
    walk.look("selection")
    walk.dialog_of("hold", ".bulk-actions button", 1)
    walk.dialog_of("tags", ".bulk-actions button", 2)
    walk.push("thead input[type=checkbox]")
    walk.dialog_of("expire", ".bulk-bar .button-danger")
    walk.dialog_of("save-view", ".view-bar > button")
    walk.push(".screen-actions a[download]")
    browser.see(".export-digest")
    walk.look("export-card")
    walk.push(".account summary")
    walk.look("account")
    for view, dialogs in (("holds", [("new-matter", ".button-primary", 0)]), (f"holds&matter={scene.matter}", [("release", ".screen-actions button", -1)]),
                          ("retention", [("rule", ".button-primary", 0)]), ("jobs", [("import", ".screen-actions button", 0)]),
                          ("users", [("new-user", ".screen-actions .button-primary", 0)]),
                          (f"users&name={quote(scene.words['people'][0])}", [("user-role", ".screen-actions button", 0), ("user-password", ".screen-actions button", 1),
                                                                            ("user-limits", ".screen-actions button", 2), ("user-disable", ".screen-actions .button-danger", 0)]),
                          (f"users&name={quote(scene.words['people'][3])}", [("user-erase", ".screen-actions .button-danger", 1)]),
                          ("sessions", [("session-end", "tbody .actions button", 0)]), ("audit", [("verify", ".screen-actions button", 0)])):
        walk.open(f"?view={view}")
        walk.loaded()
        for name, css, number in dialogs:
            walk.dialog_of(name, css, number)
    scene.sql("UPDATE chatsession.sessions SET created_at = created_at - interval '16 min', console_seen_at = now() WHERE user_id = %s AND revoked_at IS NULL",
              scene.world.ids[scene.user.name])
    browser.expect_console("403")
    browser.wait(lambda: browser.run("return fetch('api/audit/export').then((answer) => answer.status)") == 403, "the login to be old")
    walk.dialog_of("password-again", ".screen-actions a[download]")


def test_pictures_of_bad_moments(scene, make_browser):
    browser = make_browser(*WIDE, language=scene.words["language"])
    walk = Walk(scene, browser).enter(scene.user)
    for name, script, shown in (("error", _FAIL, ".state-error"), ("slow", _HANG, ".slow-note:not(:empty)")):
        walk.open()
        walk.loaded()
        browser.run(script)
        for view in ("conversations", "users"):
            walk.push(f'.nav a[data-view="{view}"]')
            browser.see(shown)
            walk.look(f"{name}-{view}")


def test_keep_those_of_the_documentation(scene, browser):
    folder = browser.screenshot("keep").parent
    for name, source in KEPT[scene.tongue].items():
        screen, width, theme = source.rsplit("-", 2)
        shutil.copyfile(folder / f"console-{screen}-{scene.tongue}-{width}-{theme}.png", PICTURES / f"{name}.png")
