# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Strings that break what takes text for anything else: the same ones each time, each once, all valid text without NUL.

    strings()                 # about 600 of them
"""
import unicodedata

# Characters that are not seen, turn the direction, join, vary, or are none.
UNSEEN = [0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e, *range(0x200b, 0x2010), 0x2028, 0x2029, *range(0x202a, 0x202f),
          *range(0x2060, 0x2070), 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, *range(0xfff9, 0xfffe), 0xd7ff, 0xe000, 0xf8ff, 0xfdd0, 0xfdef,
          0xfffe, 0xffff, 0x1d173, 0x1fffe, 0xe0001, 0xe0041, 0xe007f, 0xe0100, 0xe01ef, 0xf0000, 0x10fffd, 0x10ffff]

SQL = """' OR '1'='1|'; DROP TABLE chatsession.messages; --|1; SELECT pg_sleep(10)|' UNION SELECT password_phc FROM chatsession.users --|$1|$$|$a$ x $a$
E'\\\\047'|U&'\\0041'|\\'; --|"; --|/* x */|/*|*/|--|#|;|NULL|'||(SELECT 1)||'|1 AND 1=1|%27%20OR%201=1|x'||pg_sleep(5)||'|COPY x TO PROGRAM 'id'
\\copy x|\\.|\\N|:name|:'name'|%(name)s|?|{1,2}|{"a","b"}|ARRAY[1]|ROW(1,2)|(1,2)|infinity|-infinity|epoch|allballs|now()|true|1e400""".replace("\n", "|")

PATTERNS = r"""%|_|\|\\|%%|_%|%_\|100%|a_b|a\_b|\%|\_|\x00|.*|.+|^$|(a+)+$|(((((((((((a|[|[[:alpha:]]|[a-|a{1,|*|+|(|)|\1|(?i)|a b:*|:*|x:A|!x|!!|&|!|<->|x <-> y|a & b
'a'|"a b|-x|x OR y|AND|NOT|~|~*|@@|@>|to_tsquery('x')""".replace("\n", "|")

PAGES = """<script>alert(1)</script>|<img src=x onerror=alert(1)>|"><svg/onload=alert(1)>|javascript:alert(1)|</textarea>|<!--|-->|]]>|<![CDATA[|<?php ?>
&lt;|&amp;amp;|&#0;|&#x202e;|&nbsp;|{{7*7}}|${7*7}|#{7*7}|<%= 7*7 %>|`id`|$(id)|{% x %}|__proto__|constructor|toString|hasOwnProperty|[object Object]
undefined|null|NaN|Infinity|-0|true|false|None|nil|on|off|onclick|src|http://127.0.0.1/|//127.0.0.1|file:///etc/passwd|data:text/html,x|mailto:a@b
# not a heading|```|~~~|    four spaces|* * *|[a](javascript:alert(1))|![a](http://127.0.0.1/a.png)|[a]: //b|<a@b>|\\*x\\*|a  b|- [ ] x|:::|$$x$$|\\(x\\)"""

CELLS = """=1+1|=cmd|' /C calc'!A0|+1|-1|@SUM(A1)|'=1|''|"|""|\",\"|,|,,|;|a,b|a"b|"a|a"|"a""b"|=HYPERLINK("//x")|DDE("x")|＝1+1|＋1|－1|＠SUM(A1)|'＝1|''@x|'-|0001|1e5|1/2|2026-11-26|#REF!|%0A|\\r\\n|\\t"""

JSON = """{|}|[|]|[]|{}|{"type":"end"}|{"type":"end","lines":1,"sha256":"0"}|{"type":"conversation","id":1}|\\u0000|\\ud800|\\ud83d\\ude00|\\"|\\\\"|","role":"admin|"}],"stream":false
{"a":1,"a":2}|// x|1E999|-1|0x10|'a'|{'a':1}|NaN,|[1,]|\\/|\\b|\\x41|"messages":[]|data: [DONE]|[DONE]|data:|event: done|id: 1|retry: 0|: heartbeat"""

PROGRAMS = """../../etc/passwd|..\\..\\x|/dev/null|C:\\con|CON|NUL|aux.txt|a/b|a%2fb|%2e%2e%2f|%00|%n%n%n%n|%s%s%s|%x|%1$s|%99999999d|{0}|{x.__class__}|${jndi:ldap://127.0.0.1/a}
$HOME|$IFS|!!|!x|~root|*|-rf /|--help|;id|&&id|;&|2>&1|>x|<x|\\e[31m|GET / HTTP/1.1|Set-Cookie: a=b|Content-Length: 0|Transfer-Encoding: chunked|HTTP/1.1 200 OK
9223372036854775808|-9223372036854775809|2147483648|4294967296|99999999999999999999999999|0.1e-999|1_000|1,000.00|١٢٣|１２３|Ⅷ|½|∞|00:00:60|0000-00-00|9999-12-31T23:59:60Z"""

SCRIPTS = ["\u65e5\u672c\u8a9e", "\u8868\u30dd\u3042A\u9dd7\u0152\u00e9\uff22\u900d", "\uff76\uff9e \u30ac \u30ab\u3099", "\U00020bb7\u91ce\u5bb6", "\u845b\U000e0100", "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
           "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643", "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "\u0644\u0644\u0635\u0651\u0628\u064f\u0644\u0644\u0635\u0651\u0628\u064f\u0631\u0631\u064b \u0963 \u0963h \u0963 \u5197",
           "\u091c\u094d\u091e\u200c\u093e", "\u0c1c\u0c4d\u0c1e\u200c\u0c3e", "\u0995\u09cd\u09b7\u09c1", "\u1019\u103c\u1014\u103a\u1019\u102c", "\u0130stanbul \u0131i I\u0307", "stra\u00dfe STRASSE \u1e9e", "\ufb03 \ufb01 \u01c6",
           "e\u0301 \u00e9", "\u1e9b\u0323", "\u212b \u00c5 A\u030a", "\u03a3\u03c3\u03c2", "\u0416\u0436", "\u2126", "\ufdfa", "\ufdfd", "\u0001\u202etxt.exe", "\u202eabc\u202c def", "\u2066a\u2067b\u2069",
           "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f1ef\U0001f1f5\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd", "1\ufe0f\u20e3", "\u2764\ufe0f\u200d\U0001f525", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
           "\u0300\u0301", "a" + "\u0301" * 190, "\u1cda" * 60, "Z\u0351\u036b\u0343\u0363" * 40, "\u0e49" * 100, "\U0001f468" + "\u200d\U0001f468" * 60, "\u202e" * 100 + "x", "\u200b" * 150 + "x", "\u3000\u3000", "\u00a0",
           "a" * 200, "a" * 5000, "\U0010ffff" * 500, "\u6f6e" * 3000, "\u05d0" * 2000, "a " * 2000, "(" * 1000, "<b>" * 800, "\"" * 1500, "\\" * 1500, "'" * 1500, "%" * 1500, "\n" * 500 + "x", "\r\n" * 200 + "x", "x" + "\t" * 300]


def strings():
    """All of them, in a fixed order."""
    made = [chr(point) for point in [*range(1, 0x20), *range(0x7f, 0xa0), *UNSEEN]]
    made += [f"a{character}b" for character in made]
    made += [f"a{chr(point)}b" for point in range(0x20, 0x10000) if unicodedata.category(chr(point)) == "Zs"]
    for group in (SQL, PATTERNS, PAGES.replace("\n", "|"), CELLS, JSON.replace("\n", "|"), PROGRAMS.replace("\n", "|")):
        made += group.split("|")
    made += SCRIPTS
    return [text for text in dict.fromkeys(made) if text]
