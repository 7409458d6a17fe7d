/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What was typed and not sent, per conversation, for this tab only (sessionStorage), gone at log-out. */

const PREFIX = 'chatsession.draft.';

/** @param {string|null} conversationId null for a new chat @returns {string} */
export function readDraft(conversationId) {
  try {
    return sessionStorage.getItem(key(conversationId)) ?? '';
  } catch {
    return '';
  }
}

/** @param {string|null} conversationId @param {string} text '' takes the draft away */
export function writeDraft(conversationId, text) {
  try {
    if (text === '') {
      sessionStorage.removeItem(key(conversationId));
    } else {
      sessionStorage.setItem(key(conversationId), text);
    }
  } catch {
    /* Storage is off or full: the text stays in the box, it only does not outlive a reload. */
  }
}

/** Takes all drafts away. */
export function clearDrafts() {
  try {
    Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX)).forEach((name) => sessionStorage.removeItem(name));
  } catch {
    /* Nothing was stored. */
  }
}

function key(conversationId) {
  return PREFIX + (conversationId ?? 'new');
}
