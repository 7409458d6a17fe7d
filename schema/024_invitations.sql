-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Invitations: a token that counts once, and for a short time, with which somebody sets the own first (or, after it was forgotten, a new) password.
SET LOCAL ROLE chatsession_owner;

-- Of the token only its hash; both are NULL when no invitation is open. A new invitation takes the place of the one before.
ALTER TABLE chatsession.users
    ADD COLUMN invitation_hash text,
    ADD COLUMN invitation_until timestamptz,
    ADD CONSTRAINT invitation_is_sha256 CHECK (invitation_hash ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT invitation_has_an_end CHECK ((invitation_hash IS NULL) = (invitation_until IS NULL)),
    ADD CONSTRAINT guests_are_not_invited CHECK (role <> 'guest' OR invitation_hash IS NULL);
-- Whose is this token?
CREATE UNIQUE INDEX users_by_invitation ON chatsession.users (invitation_hash) WHERE invitation_hash IS NOT NULL;
