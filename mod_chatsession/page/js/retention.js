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
    'retention.temporary': 'Temporary: in no list, deleted on {time}',
    'temporary.new': 'Temporary: in no list, and deleted after a while',
    'temporary.start': 'Temporary chat',
    'temporary.keep': 'Keep this chat',
    'temporary.kept': 'The chat is kept and in your list.',
    'retention.trash': 'This chat is in the trash and will be deleted for good on {date}.',
  },
  ja: {
    'retention.due': '{date} まで保存され、その後削除されます',
    'retention.pinned': 'ピン留めされているため保存されます',
    'retention.temporary': '一時チャット: 一覧には表示されず、{time} に削除されます',
    'temporary.new': '一時チャット: 一覧には表示されず、しばらくすると削除されます',
    'temporary.start': '一時チャット',
    'temporary.keep': 'このチャットを保存',
    'temporary.kept': 'チャットを保存し、一覧に追加しました。',
    'retention.trash': 'このチャットはゴミ箱にあり、{date} に完全に削除されます。',
  },
});

/** Whether a conversation is one that its owner does not want to keep. @param {Object} [info] @returns {boolean} */
export function isTemporary(info) {
  return info?.retention?.verdict === 'temporary';
}

/**
 * Draws the notice; nothing where nothing ends the conversation.
 * @param {HTMLElement} node
 * @param {Object} [info] the conversation's object; without one, what a new chat will be made with
 * @param {{temporary?: boolean}} [wanted]
 */
export function drawRetention(node, info, { temporary = false } = {}) {
  const { verdict, due_at: due } = (!info?.trashed_at && info?.retention) || {};
  const words = { due: 'retention.due', pinned: 'retention.pinned', temporary: 'retention.temporary' }[verdict] ?? (!info && temporary ? 'temporary.new' : null);
  node.hidden = words === null;
  node.textContent = words === null ? '' : t(words, { date: formatTime(due, DAY), time: formatTime(due) });
  node.title = due ? formatTime(due) : '';
  node.classList.toggle('chat-kept-soon', verdict === 'temporary' || words === 'temporary.new' || (verdict === 'due' && Date.parse(due) - Date.now() < SOON_MS));
}

/** What is said of a conversation in the trash. @param {Object} info @returns {string} */
export function trashWords({ purge_at: purge }) {
  return purge ? t('retention.trash', { date: formatTime(purge, DAY) }) : t('trash.note');
}
