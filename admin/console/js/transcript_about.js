/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* What is known about a conversation besides its text. On paper it also says who printed it and when. */

import { el } from '../shared/dom.js';
import { formatNumber, formatTime, hasMessage, t } from '../shared/i18n.js';
import { modelsText, stateText, tagList } from './conversation_columns.js';
import { whyKept } from './retention_why.js';
import { hrefFor } from './router.js';
import { plainUserText, userText, withMarks } from './user_text.js';
import { timeText } from './words_for.js';

/**
 * @param {Object} conversation
 * @param {{reason: string, reader: {name: string}, signal: AbortSignal}} context
 * @returns {HTMLElement}
 */
export function aboutPanel(conversation, { reason, reader, signal }) {
  const models = conversation.models ?? [...new Set(conversation.messages.map((message) => message.model).filter(Boolean))];
  const state = conversation.state ?? (conversation.trashed_at ? 'trashed' : 'active');
  return el(
    'aside',
    { class: 'about', aria: { labelledby: 'about-title' } },
    el('h2', { id: 'about-title' }, t('transcript.about')),
    el(
      'dl',
      { class: 'facts' },
      fact('transcript.user', el('a', { href: hrefFor('conversations', { user: conversation.user }) }, userText(conversation.user))),
      fact('transcript.state', stateText({ state, purge_at: null, held: conversation.held })),
      conversation.trashed_at && fact('transcript.trashedAt', timeText(conversation.trashed_at)),
      conversation.trashed_by && fact('transcript.trashedBy', trasherText(conversation.trashed_by)),
      conversation.purge_at && fact('transcript.purgeAt', timeText(conversation.purge_at)),
      conversation.tags?.length > 0 && fact('list.tag', tagList(conversation.tags)),
      fact('why.title', whyKept(conversation.id, signal)),
      fact('transcript.created', timeText(conversation.created_at)),
      fact('transcript.updated', timeText(conversation.updated_at)),
      fact('transcript.messages', formatNumber(conversation.message_count ?? conversation.messages.length)),
      fact('transcript.models', modelsText(models)),
      conversation.system && fact('transcript.system', el('details', null, el('summary', null, t('transcript.system.show')), el('p', { class: 'plain-text', dir: 'auto' }, withMarks(conversation.system)))),
      ...Object.entries(conversation.params ?? {}).map(([name, value]) => el('div', null, el('dt', null, el('code', null, name)), el('dd', null, userText(JSON.stringify(value))))),
      fact('transcript.id', el('span', { class: 'mono' }, conversation.id)),
      reason && fact('transcript.reason', userText(reason)),
    ),
    printNote(reader, signal),
  );
}

/**
 * A term and its value.
 * @param {string} key of the term's words
 * @param {*} value children for el()
 * @returns {HTMLElement}
 */
export function fact(key, value) {
  return el('div', null, el('dt', null, t(key)), el('dd', null, value));
}

function trasherText(who) {
  const key = `transcript.trashedBy.${who}`;
  return hasMessage(key) ? t(key) : userText(who);
}

function printNote(reader, signal) {
  const note = el('p', { class: 'print-only' });
  addEventListener(
    'beforeprint',
    () => {
      note.textContent = t('transcript.printedBy', {
        name: plainUserText(reader.name),
        time: formatTime(new Date().toISOString(), { dateStyle: 'medium', timeStyle: 'long' }),
      });
    },
    { signal },
  );
  return note;
}
