/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Messages to be read only, in a file or behind a link: no buttons but those that copy code. */

import { el } from '../shared/dom.js';
import { formatTime, t } from '../shared/i18n.js';
import { renderMarkdown } from '../shared/markdown.js';

/** @param {Object[]} messages of the API @returns {HTMLElement[]} */
export function plainMessages(messages) {
  return messages.map(({ role, status, content, created_at: at, model }) => {
    const answer = role === 'assistant';
    const ended = answer && status !== 'complete' && t({ stopped: 'message.stopped', interrupted: 'message.interrupted' }[status] ?? 'message.error');
    return el('article', { class: 'plain-message' },
      el('h2', null, [t(answer ? 'message.answer' : 'plain.question'), answer && model, ended].filter(Boolean).join(' · '), ' · ', plainTime(at)),
      answer ? el('div', { class: 'markdown', dir: 'auto' }, renderMarkdown(content ?? '')) : el('div', { class: 'said', dir: 'auto' }, content));
  });
}

/** @param {string} at @returns {HTMLElement} */
export function plainTime(at) {
  return el('time', { datetime: at }, formatTime(at));
}
