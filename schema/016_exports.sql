-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Exports: who took what along, how far the download is, and what it needs to be resumed. The files themselves are nowhere: they are made while they are sent.
SET LOCAL ROLE chatsession_owner;

CREATE TABLE chatsession.exports (
    id                uuid        NOT NULL DEFAULT gen_random_uuid(),
    state             text        NOT NULL DEFAULT 'ready',
    created_at        timestamptz NOT NULL DEFAULT now(),
    watermark         timestamptz NOT NULL DEFAULT clock_timestamp(), -- what is newer is not in it, whenever it is read
    operator          text        NOT NULL,
    format            text        NOT NULL,
    gzip              boolean     NOT NULL,
    filter            jsonb       NOT NULL,            -- the list's filter; the text searched for ("q") goes when it cannot be resumed any more
    expected          bigint      NOT NULL,            -- conversations, before the first octet
    expected_messages bigint      NOT NULL,
    run               integer     NOT NULL DEFAULT 0,  -- which download of it: an older one that still writes is not listened to
    link_hash         bytea,                           -- SHA-256 of the one link that opens it; NULL: it was used
    link_until        timestamptz,
    link_from         bigint      NOT NULL DEFAULT 0,  -- octets of the file that its reader has
    link_sha256       bytea,                           -- and what they are, where the reader said so
    started_at        timestamptz,
    updated_at        timestamptz NOT NULL DEFAULT now(),
    finished_at       timestamptz,
    lines             bigint      NOT NULL DEFAULT 0,
    conversations     bigint      NOT NULL DEFAULT 0,
    octets            bigint      NOT NULL DEFAULT 0,  -- of text, before compression; …
    octets_sha256     bytea,                           -- … what these were: a resumed download must come by the same
    sha256            bytea,                           -- of all before the last line
    cancelled_by      text,
    CONSTRAINT exports_pkey PRIMARY KEY (id),
    CONSTRAINT export_state_is_known CHECK (state IN ('ready', 'running', 'done', 'cut', 'cancelled')),
    CONSTRAINT export_format_is_known CHECK (format IN ('ndjson', 'json', 'csv', 'md', 'openai')),
    CONSTRAINT export_ends_with_a_time CHECK ((finished_at IS NULL) = (state IN ('ready', 'running'))),
    CONSTRAINT export_done_has_its_digest CHECK (state <> 'done' OR sha256 IS NOT NULL),
    CONSTRAINT export_cancelled_by_somebody CHECK ((cancelled_by IS NOT NULL) = (state = 'cancelled')),
    CONSTRAINT export_link_is_whole CHECK ((link_hash IS NULL) = (link_until IS NULL)),
    CONSTRAINT export_digests_are_sha256 CHECK (octet_length(link_hash) = 32 AND octet_length(link_sha256) = 32
        AND octet_length(octets_sha256) = 32 AND octet_length(sha256) = 32)
);
-- The list, newest first, by keyset.
CREATE INDEX exports_by_time ON chatsession.exports (created_at DESC, id DESC);
GRANT SELECT, INSERT, UPDATE, DELETE ON chatsession.exports TO chatsession;

-- An export reads conversations in the order in which they began, and needs no sort of them: WHERE created_at <= … ORDER BY created_at, id.
CREATE INDEX conversations_by_age ON chatsession.conversations (created_at, id);
