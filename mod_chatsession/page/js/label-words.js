/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What a label may be. No calls, no elements. */

/** Code points of a label. */
export const LABEL_LIMIT = 40;
/** Labels of a conversation. */
export const LABELS_LIMIT = 10;

/**
 * Labels as the server takes them, out of what somebody typed or a file says.
 * @param {*} words anything; what is no list of texts is no labels
 * @returns {string[]}
 */
export function labelsOf(words) {
  const clean = (Array.isArray(words) ? words : []).filter((word) => typeof word === 'string')
    .map((word) => [...word.normalize('NFC').replace(/[\s\p{Cc}]+/gu, ' ').trim()].slice(0, LABEL_LIMIT).join('').trim())
    .filter((word) => /[^\s\p{C}]/u.test(word));
  return [...new Set(clean)].slice(0, LABELS_LIMIT);
}
