-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- The two roles and the schema. Run by a superuser before the steps; running it again changes nothing.
--   chatsession_owner  owns every table and function; nobody logs in as it
--   chatsession        what httpd logs in as: the least rights, granted beside each table in its step.
--                      It may add to the audit log and read it, never change or delete there.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chatsession_owner') THEN
        CREATE ROLE chatsession_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chatsession') THEN
        CREATE ROLE chatsession LOGIN;
    END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS chatsession AUTHORIZATION chatsession_owner;
GRANT USAGE ON SCHEMA chatsession TO chatsession;
