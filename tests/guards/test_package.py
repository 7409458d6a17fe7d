# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""debian/ belongs to the rest of the tree: one version, one list of build packages, a page of the manual that forgets nothing."""
import re
import subprocess

from harness.place import BUILD, TREE
from harness.sources import text


def manual(*arguments):
    return subprocess.run([TREE / "dev/manual", *arguments], check=True, text=True, capture_output=True).stdout


def plain(page):
    """A page of the manual without roff's own words."""
    return page.replace("\\-", "-").replace("\\&", "").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "")


def test_the_package_has_the_version_of_the_module():
    version = re.search(r'CS_VERSION "(.*)"', text("mod_chatsession/core/version.h")).group(1)
    assert re.match(r"mod-chatsession \((.*)\) ", text("debian/changelog")).group(1) == version


def test_the_package_is_built_with_what_the_project_is_built_with():
    """PostgreSQL and httpd run in the tests, make and the compiler are there in every build, npm has done its work before."""
    group = re.search(r'\[build\]="(.*?)"', text("dev/packages"), re.DOTALL).group(1).split()
    wanted = set(group) - {"make", "gcc", "libc6-dev", "pkg-config", "apache2-bin", "postgresql"}
    control = re.search(r"^Build-Depends:\n((?: .*\n)+)", text("debian/control"), re.MULTILINE).group(1)
    assert wanted <= {re.split(r"[ ,|]", line.strip())[0] for line in control.splitlines()}


def test_every_directive_is_in_its_page_of_the_manual():
    page = plain(manual("directives", "docs/directives.md"))
    names = re.findall(r"^## (ChatSession\w*)$", text("docs/directives.md"), re.MULTILINE)
    assert len(names) > 40
    assert [name for name in names if f".SH {name}\n" not in page or f"Syntax: {name} " not in page] == []
    assert "](" not in page and "```" not in page


def test_every_command_is_in_its_page_of_the_manual():
    page = plain(manual("program", str(BUILD / "chatsessionctl")))
    commands = re.findall(r'^    \{"(\w[\w-]*)", "([\w-]*)", ', text("ctl/commands.c"), re.MULTILINE)
    assert len(commands) > 15
    assert [words for words in commands if f".B {' '.join(words).strip()} " not in page + " "] == []


def test_the_packaged_configuration_counts_only_after_the_setup():
    """a2enmod before chatsessionctl setup must not keep httpd from starting."""
    lines = [line for line in text("debian/chatsession.conf").splitlines() if line and not line.startswith("#")]
    assert lines[0] == '<IfFile "/etc/chatsession/httpd.conf">' and lines[-1] == "</IfFile>"


def test_the_quick_start_tells_the_same_in_both_languages():
    blocks = [re.findall(r"^```\w+\n(.*?)^```$", text(page), re.MULTILINE | re.DOTALL) for page in
              ("docs/quickstart.md", "docs/quickstart.ja.md")]
    assert blocks[0] == blocks[1] and len(blocks[0]) == 4
