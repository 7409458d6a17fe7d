/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* "Why is this kept, and when does it go?" of one conversation, as a part of its transcript's facts. */

import { el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { explainRetention } from './endpoints.js';
import { loadInto } from './loading.js';
import { keepText, ruleSubject } from './retention.js';
import { hrefFor } from './router.js';
import { userText } from './user_text.js';
import { timeText } from './words_for.js';

/**
 * @param {string} id of the conversation
 * @param {AbortSignal} signal
 * @returns {HTMLElement}
 */
export function whyKept(id, signal) {
  const host = el('div', { class: 'why-kept' });
  loadInto(host, { load: () => explainRetention(id, signal), draw: (answer) => drawWhy(answer), signal, skeleton: el('div', { class: 'skeleton' }) });
  return host;
}

function drawWhy(answer) {
  const until = { due: answer.due_at, trashed: answer.purge_at }[answer.verdict];
  return [
    el('p', null, t(`why.${answer.verdict}`), until && ' ', until && timeText(until)),
    Array.isArray(answer.holds) &&
      answer.holds.length > 0 &&
      el(
        'ul',
        { class: 'chips' },
        answer.holds.map((matter) => el('li', null, el('a', { class: 'badge badge-info', href: hrefFor('holds', { matter: matter.id }) }, userText(matter.name)))),
      ),
    answer.rule && el('p', { class: 'muted' }, t('why.rule'), ' ', ruleSubject(answer.rule), ', ', keepText(answer.rule)),
  ];
}
