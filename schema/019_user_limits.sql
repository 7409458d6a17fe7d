-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- What one user may use up, where an administrator says otherwise than httpd's configuration does for all.
SET LOCAL ROLE chatsession_owner;

-- NULL: as configured (ChatSessionUserTurns, ChatSessionUserRequests, ChatSessionUserTokens); 0: no limit.
ALTER TABLE chatsession.users
    ADD COLUMN max_turns    integer,
    ADD COLUMN max_requests integer,
    ADD COLUMN max_tokens   bigint,
    ADD CONSTRAINT max_turns_is_0_to_10000 CHECK (max_turns BETWEEN 0 AND 10000),
    ADD CONSTRAINT max_requests_is_0_to_100000 CHECK (max_requests BETWEEN 0 AND 100000),
    ADD CONSTRAINT max_tokens_is_0_to_a_million_million CHECK (max_tokens BETWEEN 0 AND 1000000000000);
