# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""Users, their sessions and conversations, by the thousand: written into the tables directly. The cookies are signed as
mod_chatsession/core/token.c does it (HKDF-SHA256 and HMAC-SHA256 under a secret that this run made)."""
import base64
import hashlib
import hmac
import os
import time

SECRET = base64.b64encode(os.urandom(36))


def write_secret(folder):
    path = folder / "secret"
    path.touch(mode=0o600)
    path.write_bytes(SECRET)
    return path


def _base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _derive(label, size):
    key = hmac.digest(bytes(32), SECRET, "sha256")
    return hmac.digest(key, f"chatsession v1 {label}".encode() + b"\x01", "sha256")[:size]


_KEY_ID = _base64url(_derive("key id", 6))
_KEY = _derive("session", 32)


def _cookie(session_id, issued):
    payload = f"v1.{_KEY_ID}.{_base64url(session_id)}.{issued}"
    return f"sid={payload}.{_base64url(hmac.digest(_KEY, payload.encode(), 'sha256'))}"


def add_users(database, count, prefix="user"):
    """The ids of new users."""
    return [str(row[0]) for row in database.rows(
        f"INSERT INTO chatsession.users (name) SELECT '{prefix}' || g FROM generate_series(1, %s) g RETURNING id",
        (count,))]


def add_sessions(database, users, count):
    """Sessions of the users in turn, begun a moment ago; their cookies."""
    issued, cookies = int(time.time()) - 1, []
    with database.connect() as connection, connection.cursor() as cursor:
        with cursor.copy("COPY chatsession.sessions (id_hash, ref, user_id) FROM STDIN") as copy:
            for number in range(count):
                session_id = os.urandom(32)
                copy.write_row((hashlib.sha256(session_id).digest(), _base64url(os.urandom(9)), users[number % len(users)]))
                cookies.append(_cookie(session_id, issued))
    database.rows("ANALYZE chatsession.sessions")
    return cookies


def add_conversations(database, users, each, messages=0):
    """Conversations of each user, so many messages long (questions and answers in turn): [(user, conversation)]."""
    rows = database.rows(
        "WITH made AS (INSERT INTO chatsession.conversations (user_id, title, message_count, updated_at)"
        "   SELECT u, 'Conversation ' || g, %s, now() - g * interval '1 minute'"
        "   FROM unnest(%s::uuid[]) u, generate_series(1, %s) g RETURNING id, user_id),"
        " asked AS (INSERT INTO chatsession.messages (conversation_id, seq, role, status, content)"
        "   SELECT id, s, 'user', 'complete', 'Question ' || s || ': why does a lens bend light, and what of rings?'"
        "   FROM made, generate_series(1, %s, 2) s RETURNING id, conversation_id, seq)"
        " , answered AS (INSERT INTO chatsession.messages"
        "   (conversation_id, seq, parent_id, role, status, content, finished_at, model, finish_reason)"
        "   SELECT conversation_id, seq + 1, id, 'assistant', 'complete',"
        "     'Answer ' || seq || repeat(': glass of another density changes its way', 1 + seq %% 20), now(), 'bench', 'stop'"
        "   FROM asked)"
        " SELECT user_id::text, id::text FROM made", (messages, users, each, messages))
    database.rows("ANALYZE chatsession.conversations")
    database.rows("ANALYZE chatsession.messages")
    return rows
