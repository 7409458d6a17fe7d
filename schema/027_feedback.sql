-- SPDX-License-Identifier: Apache-2.0
-- SPDX-FileCopyrightText: The mod_chatsession authors
--
-- Looking through what users said of answers, newest first.
SET LOCAL ROLE chatsession_owner;

-- SELECT … FROM feedback f ORDER BY f.at DESC, f.message_id DESC, of all; of those with words; of thumbs down, which are rarer than thumbs up.
CREATE INDEX feedback_by_time ON chatsession.feedback (at DESC, message_id DESC);
CREATE INDEX feedback_commented_by_time ON chatsession.feedback (at DESC, message_id DESC) WHERE comment IS NOT NULL;
CREATE INDEX feedback_down_by_time ON chatsession.feedback (at DESC, message_id DESC) WHERE rating = -1;
