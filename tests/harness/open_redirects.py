# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Addresses of another site, written in the ways in which a check of "is this a path of ours?" has been deceived: made by
rule from what browsers skip, normalise, or read otherwise than a check does."""
from urllib.parse import quote

EVIL = "evil.example"
_SCHEMES = ("", "http:", "https:", "HTTPS:", "hTTp:", "ftp:", "ws:", "javascript:", "data:", "blob:http:", "view-source:http:", "x:")
_SLASHES = ("//", "/\\", "\\/", "\\\\", "///", "////", "/\\/", "//\\", "/\t/", "/\n/", "/\r/", "/\r\n/", "\t//", " //", "/.//", "/..//",
            "/x/..//", "/%2e//", "/./\\", "/;//", "//;@", "/\u00a0/", "/\u2044/", "/\uff0f/", "/\u3000/", "/\x00/", "/\x0b/", "/\x1f\\", "/\x7f/")
_USERS = ("", "127.0.0.1@", "localhost:80@", "127.0.0.1%40", "127.0.0.1\\@", "127.0.0.1#@", "127.0.0.1?@", "user:pass@", "@", ":@")
_HOSTS = (EVIL, EVIL.upper(), f"{EVIL}.", f"127.0.0.1.{EVIL}", "0x7f.1", "2130706434", "[::ffff:7f00:2]", "evil\u3002example", "evil\uff0eexample",
          "\uff45\uff56\uff49\uff4c.example", "ev\u00adil.example", "evil%2eexample", f"{EVIL}:80", f"{EVIL}%00.127.0.0.1")
_ENDS = ("", "/", "/..", "/%2f..", "?x", "#x", "\\..\\")
_CODINGS = (lambda text: text, lambda text: quote(text, safe=""), lambda text: quote(quote(text, safe=""), safe=""),
            lambda text: text.replace("/", "%2f").replace("\\", "%5c"), lambda text: text.replace("/", "\\u002f"),
            lambda text: text.replace("/", "&#47;"), lambda text: text.replace("/", "%c0%af"))


def payloads():
    """Some thousands, each once, in a fixed order: every scheme, slashes and user with one host, every host, end and coding with one scheme."""
    made = [scheme + slashes + user + EVIL for scheme in _SCHEMES for slashes in _SLASHES for user in _USERS]
    made += [scheme + slashes + host + end for scheme in ("", "https:") for slashes in _SLASHES[:14] for host in _HOSTS for end in _ENDS]
    made += [coding(scheme + slashes + EVIL) for coding in _CODINGS for scheme in _SCHEMES[:4] for slashes in _SLASHES]
    made += [scheme + rest for scheme in _SCHEMES[1:] for rest in (EVIL, f"/{EVIL}", "alert(1)", "//%0aalert(1)", "text/html,<script>alert(1)</script>")]
    return list(dict.fromkeys(made))
