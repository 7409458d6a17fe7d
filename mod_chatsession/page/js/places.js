/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Where somebody was reading in a conversation, for this tab only (sessionStorage): a message's id and how far from the top it stood, no text. */

const PREFIX = 'chatsession.place.';

/** @param {string} conversationId @returns {{id: string, top: number}|null} null: at the end */
export function readPlace(conversationId) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + conversationId));
  } catch {
    return null;
  }
}

/** @param {string} conversationId @param {{id: string, top: number}|null} place */
export function writePlace(conversationId, place) {
  try {
    if (place === null) {
      sessionStorage.removeItem(PREFIX + conversationId);
    } else {
      sessionStorage.setItem(PREFIX + conversationId, JSON.stringify(place));
    }
  } catch {
    /* Storage is off or full: the conversation opens at its end. */
  }
}
