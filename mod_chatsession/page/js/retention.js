/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* How long a conversation is kept, in words: what the operators' rules say of it, and when the trash is emptied of it. */

import { defineMessages, formatTime, t } from '../shared/i18n.js';

const SOON_MS = 7 * 24 * 3600 * 1000;
const DAY = { dateStyle: 'medium' };

defineMessages({
  en: {
    'retention.due': 'Kept until {date}, then deleted',
    'retention.pinned': 'Kept because it is pinned',
    'retention.trash': 'This chat is in the trash and will be deleted for good on {date}.',
  },
  ja: {
    'retention.due': '{date} まで保存され、その後削除されます',
    'retention.pinned': 'ピン留めされているため保存されます',
    'retention.trash': 'このチャットはゴミ箱にあり、{date} に完全に削除されます。',
  },
});

/**
 * Draws the notice; nothing where nothing ends the conversation.
 * @param {HTMLElement} node
 * @param {Object} [info] the conversation's object
 */
export function drawRetention(node, info) {
  const { verdict, due_at: due } = (!info?.trashed_at && info?.retention) || {};
  node.hidden = verdict !== 'due' && verdict !== 'pinned';
  node.textContent = node.hidden ? '' : t(`retention.${verdict}`, { date: formatTime(due, DAY) });
  node.title = due ? formatTime(due) : '';
  node.classList.toggle('chat-kept-soon', verdict === 'due' && Date.parse(due) - Date.now() < SOON_MS);
}

/** What is said of a conversation in the trash. @param {Object} info @returns {string} */
export function trashWords({ purge_at: purge }) {
  return purge ? t('retention.trash', { date: formatTime(purge, DAY) }) : t('trash.note');
}
