# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Those of httpd's modules that know people or run programs, beside ours: providers that ask a table, a cache and a directory for
the login form, client certificates in place of it, and Lua that reads and writes the session."""
import subprocess

import pytest
import requests
from harness.client import Client
from harness.ldap import Directory
from harness.passwords import MODULES
from harness.place import free_port, give_port_back, new_folder


def log_in(server, name, password):
    return Client(server.url).post("api/login", json={"username": name, "password": password}).status_code


def users_named(database, name):
    return database.rows("SELECT name, role, password_phc FROM chatsession.users WHERE name = %s", (name,))


# --- providers


def of_a_table(database, *more):
    """A site whose people stand in a table of their own."""
    bcrypt = subprocess.run(["htpasswd", "-n", "-B", "-C", "4", "-b", "dora", "dora's words"], check=True, capture_output=True, text=True)
    database.rows("CREATE TABLE IF NOT EXISTS public.members (name text PRIMARY KEY, hash text)")
    database.rows("INSERT INTO public.members VALUES ('dora', %s) ON CONFLICT (name) DO UPDATE SET hash = excluded.hash",
                  (bcrypt.stdout.strip().split(":", 1)[1],))
    database.rows("GRANT SELECT ON public.members TO chatsession")
    return ["DBDriver pgsql", f'DBDParams "{database.conninfo}"', *more, '<Location "/chat">',
            'AuthDBDUserPWQuery "SELECT hash FROM public.members WHERE name = %s"', "AuthnCacheProvideFor dbd", "</Location>"]


DBD_MODULES = (*MODULES, "socache_shmcb", "dbd", "authn_dbd", "authn_socache")


def test_a_table_of_another_application_lets_its_people_in(make_httpd, database, user):
    """mod_authn_dbd"""
    server = make_httpd(database.conninfo, modules=DBD_MODULES, lines=["ChatSessionLoginProvider chatsession dbd", *of_a_table(database)])
    assert log_in(server, "dora", "dora's words") == 200 and users_named(database, "dora") == [("dora", "user", None)]
    assert log_in(server, "dora", "wrong") == 401 and log_in(server, "nobody here", "dora's words") == 401
    assert log_in(server, user.name, user.password) == 200, "and ours still do"


def test_a_cache_in_front_of_a_provider_answers_for_it(make_httpd, database):
    """mod_authn_socache keeps what mod_authn_dbd found: the row is gone, the login goes on until the cache forgets."""
    server = make_httpd(database.conninfo, modules=DBD_MODULES, lines=[
        "ChatSessionLoginProvider socache dbd", *of_a_table(database, "AuthnCacheSOCache shmcb", "AuthnCacheEnable")])
    assert log_in(server, "dora", "dora's words") == 200
    database.rows("DELETE FROM public.members")
    assert log_in(server, "dora", "dora's words") == 200 and log_in(server, "dora", "wrong") == 401
    assert log_in(server, "another", "dora's words") == 401


@pytest.fixture
def directory():
    made = Directory(lena="lena's words", lars="lars' words")
    yield made
    made.close()


def test_a_directory_lets_its_people_in(make_httpd, database, directory):
    """mod_authnz_ldap: found by uid, bound as themselves; an empty password, with which LDAP binds anybody, is none. And what the form answers while the directory is away is no 401."""
    server = make_httpd(database.conninfo, modules=(*MODULES, "ldap", "authnz_ldap"), lines=[
        "ChatSessionLoginProvider chatsession ldap", '<Location "/chat">', f'AuthLDAPURL "{directory.url}"', "</Location>",
        'ChatSessionRole auditor "%{REMOTE_USER} == \'lena\'"'])
    server.expect_log("AH01618", "AH01695", "AH01696", "AH01697", "AH01617")
    assert log_in(server, "lena", "lena's words") == 200 and users_named(database, "lena") == [("lena", "auditor", None)]
    assert log_in(server, "lars", "lars' words") == 200 and users_named(database, "lars") == [("lars", "user", None)]
    for name, password in (("lena", "lars' words"), ("lena", " "), ("lena)(uid=lars", "lars' words"), ("*", "lena's words"), ("l*", "lena's words")):
        assert log_in(server, name, password) == 401, name
    assert log_in(server, "lena", "") in (400, 401)
    directory.close()
    server.expect_log("CS0143", "CS0013")
    assert log_in(server, "karl without a row", "whatever he says") in (401, 500)


# --- client certificates


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def papers():
    """A folder with ca.crt, server.crt, and certificates of carla and claus, each with its key."""
    folder = new_folder("papers")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(folder, "req", "-x509", *curve, "-days", "2", "-subj", "/CN=an authority", "-keyout", "ca.key", "-out", "ca.crt")
    for name in ("server", "carla", "claus"):
        openssl(folder, "req", *curve, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", f"{name}.crt")
    return folder


class _AnyName(requests.adapters.HTTPAdapter):
    """The server's certificate is looked at, its name is not."""

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, assert_hostname=False, **options)


def with_certificate(url, papers, name, session=None):
    client = Client(url, session=session)
    client.session.verify = str(papers / "ca.crt")
    client.session.mount("https://", _AnyName())
    client.session.cert = (str(papers / f"{name}.crt"), str(papers / f"{name}.key")) if name else None
    return client


def test_who_shows_a_certificate_is_logged_in_as_its_name(make_httpd, database, papers):
    """mod_ssl with SSLUserName, as docs/integration.md has it: no form, a row at first sight, and no certificate of another in the same session."""
    port = free_port()
    try:
        server = make_httpd(database.conninfo, modules=("socache_shmcb", "ssl"), lines=[
            "ChatSessionCookieSecure on", f"Listen 127.0.0.1:{port}", f"<VirtualHost 127.0.0.1:{port}>", "SSLEngine on",
            f'SSLCertificateFile "{papers}/server.crt"', f'SSLCertificateKeyFile "{papers}/server.key"',
            f'SSLCACertificateFile "{papers}/ca.crt"', "SSLVerifyClient require", '<Location "/chat">',
            "SSLUserName SSL_CLIENT_S_DN_CN", "ChatSessionTrustUser on", "</Location>", "</VirtualHost>",
            'ChatSessionRole viewer "%{SSL_CLIENT_S_DN_CN} == \'claus\'"'])
        server.expect_log("AH01882", "AH01873", "AH01909")
        url = f"https://127.0.0.1:{port}"
        carla = with_certificate(url, papers, "carla")
        found = carla.json("GET", "api/session", 200)
        assert found["user"] == {"name": "carla", "role": "user"} and users_named(database, "carla") == [("carla", "user", None)]
        first = carla.cookies["__Host-sid"]
        assert carla.turn(carla.new_conversation(), "hello").done["status"] == "complete"
        assert carla.cookies["__Host-sid"] == first, "the session goes on"
        other = with_certificate(url, papers, "claus")
        other.session.cookies.update(carla.cookies)
        assert other.json("GET", "api/session", 200)["user"] == {"name": "claus", "role": "viewer"}
        assert other.json("GET", "api/conversations", 200)["conversations"] == []
        with pytest.raises(requests.exceptions.ConnectionError):
            with_certificate(url, papers, None).get("api/session")
    finally:
        give_port_back(port)


# --- Lua


SCRIPT = """
function handle(r)
    r.content_type = "text/plain"
    if r.args and r.args ~= "" then
        r.headers_out["X-Replace-Session"] = "colour=" .. r.args
    end
    r:puts((r.subprocess_env["CHATSESSION_USER"] or "nobody") .. " [" .. (r.subprocess_env["HTTP_SESSION"] or "") .. "] " ..
           (r.headers_in["Cookie"] or "no cookie"))
    return apache2.OK
end
"""


def test_lua_reads_and_writes_mod_sessions_data_in_our_session(make_httpd, database, user):
    """mod_lua and mod_session (SessionEnv, SessionHeader) on our cookie, which the script itself does not see."""
    folder = new_folder("lua")
    (folder / "handle.lua").write_text(SCRIPT)
    folder.chmod(0o755)
    server = make_httpd(database.conninfo, modules=(*MODULES, "session", "lua"), lines=[
        f'LuaMapHandler "/lua" "{folder}/handle.lua"', '<Location "/lua">', "ChatSession on", "Session On", "SessionEnv On",
        "SessionHeader X-Replace-Session", "ChatSessionProvideSession on", "</Location>"])

    def ask(client, query=""):
        return client.get(f"{server.url}/lua{query}").text

    mika, elsewhere = Client(server.url), Client(server.url)
    assert ask(mika) == "nobody [] no cookie"
    mika.login(user)
    elsewhere.login(user)
    assert ask(mika, "?blue").startswith("mika ")
    assert ask(mika) == "mika [colour=blue] no cookie"
    assert ask(elsewhere) == "mika [] no cookie", "another session of the same user"
    mika.login(user)
    assert ask(mika) == "mika [colour=blue] no cookie", "it goes over to the new id"
    mika.logout()
    assert ask(mika) == "nobody [] no cookie"
