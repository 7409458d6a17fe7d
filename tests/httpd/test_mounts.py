# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Where a handler is mounted: each server serves its own sections and nobody else's, however the configuration is put
together."""
import pytest

from harness.client import Client
from harness.place import free_port, new_folder


def location(path, handler="chatsession"):
    return f'<Location "{path}">\n    SetHandler {handler}\n</Location>'


def virtual_host(port, *lines):
    return "\n".join([f"Listen 127.0.0.1:{port}", f"<VirtualHost 127.0.0.1:{port}>", *lines, "</VirtualHost>"])


def at(port, mount, cookies=None):
    client = Client(f"http://127.0.0.1:{port}", mount)
    if cookies:
        client.cookies.update(cookies)
    return client


def is_served(client):
    """Whether the client's mount answers as ours: the page, the API, and the way from the mount to its slash."""
    bare = client.get(f"{client.origin}{client.mount}")
    found = [client.get("").status_code, client.get("api/session").status_code, bare.status_code]
    assert found in ([200, 200, 301], [404] * 3), found
    assert found[0] == 404 or bare.headers["Location"] == f"{client.mount}/"
    return found[0] == 200


def check_works(client, user):
    """Log in, say something, read it again."""
    client.login(user)
    conversation = client.new_conversation()
    assert client.turn(conversation, "hello").text == "hello"
    assert [message["content"] for message in client.conversation(conversation)["messages"]] == ["hello"] * 2
    client.logout()


def test_virtual_hosts_without_a_directive_of_ours_have_mounts_of_their_own(make_httpd, database, user):
    """Each has its own and the main server's, which has its own alone; the last one is none of the others'."""
    ports = [free_port() for _ in range(3)]
    server = make_httpd(database.conninfo, lines=[
        virtual_host(ports[0], location("/one")), virtual_host(ports[1], location("/two")), virtual_host(ports[2])])
    mounts = {"/chat": [server.port, *ports], "/one": ports[:1], "/two": ports[1:2]}
    for mount, homes in mounts.items():
        for port in (server.port, *ports):
            assert is_served(at(port, mount)) == (port in homes), f"{mount} on {port}"
    check_works(at(ports[0], "/one"), user)
    check_works(at(ports[1], "/two"), user)
    check_works(at(server.port, "/chat"), user)


def test_a_virtual_host_with_a_directive_of_ours_has_mounts_of_its_own_too(make_httpd, database, user):
    ports = [free_port() for _ in range(2)]
    server = make_httpd(database.conninfo, lines=[
        virtual_host(ports[0], "ChatSessionIdleTimeout 5min", location("/one")),
        virtual_host(ports[1], location("/two"))])
    assert [is_served(at(port, mount)) for port in (server.port, *ports) for mount in ("/one", "/two")] == [
        False, False, True, False, False, True]
    check_works(at(ports[0], "/one"), user)
    check_works(at(ports[1], "/two"), user)


def test_a_virtual_host_with_a_database_of_its_own_keeps_its_answers_there(make_httpd, make_database, database, user):
    other, port = make_database(), free_port()
    there = other.add_user("else")
    server = make_httpd(database.conninfo, lines=[
        virtual_host(port, f'ChatSessionDatabase "{other.conninfo}"', location("/one"))])
    count = "SELECT count(*) FROM chatsession.messages WHERE status = 'complete'"
    before = database.value(count)
    check_works(at(port, "/one"), there)
    assert (other.value(count), database.value(count)) == (2, before)
    check_works(at(server.port, "/chat"), user)
    assert (other.value(count), database.value(count)) == (2, before + 2)


@pytest.mark.parametrize("way", ["IfModule", "Include", "a host in an Include", "an Include in a host", "Macro"])
def test_a_mount_counts_however_it_came_into_the_configuration(make_httpd, database, user, way):
    folder, port = new_folder("include"), free_port()
    (folder / "mount.conf").write_text("\n\n" + location("/one") + "\n")
    (folder / "host.conf").write_text(virtual_host(port, location("/one")) + "\n")
    lines = {
        "IfModule": ["<IfModule mod_chatsession.c>", "<IfModule chatsession_module>", location("/one"), "</IfModule>",
                     "</IfModule>", "<IfModule !chatsession_module>", location("/two"), "</IfModule>"],
        "Include": [f'Include "{folder}/mount.conf"'],
        "a host in an Include": [f'IncludeOptional "{folder}/h*.conf"'],
        "an Include in a host": [virtual_host(port, f'Include "{folder}/mount.conf"')],
        "Macro": ["<Macro mount $path>", location("$path"), "</Macro>", "Use mount /one"],
    }[way]
    server = make_httpd(database.conninfo, lines=lines, modules=["macro"])
    in_host = "host" in way
    assert is_served(at(server.port, "/one")) == (not in_host)
    assert not is_served(at(server.port, "/two"))
    check_works(at(port if in_host else server.port, "/one"), user)


@pytest.mark.parametrize("paths", [["/chat/inner", "/chat/inner/most"], ["/chat/inner/most", "/chat/inner"]],
                         ids=["outer first", "inner first"])
def test_the_innermost_of_nested_mounts_answers(make_httpd, database, user, paths):
    server = make_httpd(database.conninfo, lines=[location(path) for path in paths])
    for mount in ("/chat", *paths):
        assert is_served(at(server.port, mount)), mount
    assert at(server.port, "/chat").get("inner/mos").status_code == 404
    check_works(at(server.port, "/chat/inner/most"), user)


def test_a_mount_within_one_of_another_handler_is_that_of_its_own(make_httpd, database, operator):
    server = make_httpd(database.conninfo, lines=[location("/chat/console", "chatsession-admin")])
    console = at(server.port, "/chat/console")
    assert is_served(console)
    console.login(operator)
    assert console.get("api/overview").status_code == 200
    assert at(server.port, "/chat", console.cookies).get("api/overview").status_code == 404


def test_a_mount_may_be_written_with_a_slash_and_may_be_the_root(make_httpd, database, user):
    port = free_port()
    server = make_httpd(database.conninfo, lines=[location("/one/"), virtual_host(port, location("/"))])
    check_works(at(server.port, "/one"), user)
    assert at(server.port, "/one").get("").status_code == 200
    assert at(port, "").get("").status_code == 200 and at(port, "").get("nothing").status_code == 404
    check_works(at(port, ""), user)


@pytest.mark.parametrize("head, path", [
    ("Directory", "/folder/"), ("LocationMatch", "/other/"), ("Files", "/folder/page"), ("If", "/other/")])
def test_a_handler_in_a_section_without_a_path_of_its_own_is_refused_by_name(make_httpd, database, head, path):
    folder = new_folder("served")
    folder.chmod(0o755)
    argument = {"Directory": f'"{folder}"', "LocationMatch": '"^/other"', "Files": '"page"',
                "If": "\"%{REQUEST_URI} =~ m#^/other#\""}[head]
    server = make_httpd(database.conninfo, lines=[
        f'Alias "/folder" "{folder}"', f"<{head} {argument}>\nSetHandler chatsession\n</{head}>"])
    server.expect_log("CS0002")
    response = Client(server.url).get(server.url + path)
    assert response.status_code == 500
    said = server.wait_log("CS0002")
    assert "SetHandler chatsession" in said and "<Location" in said
    assert is_served(at(server.port, "/chat"))
