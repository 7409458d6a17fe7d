/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* What one user may use up, where that is another number than for all. */

import { el } from '../shared/dom.js';
import { formatNumber, isolate, t } from '../shared/i18n.js';
import { toast } from '../shared/notify.js';
import { changeUser } from './endpoints.js';
import { askByForm, labelled } from './form_dialog.js';
import { plainUserText } from './user_text.js';

/* The API's names, and the largest number that it takes. */
const LIMITS = { max_turns: 10000, max_requests: 100000, max_tokens: 1000000000000 };

/**
 * @param {Object} user with the limits, null where the configuration's counts
 * @returns {string} in words
 */
export function limitsText(user) {
  const set = Object.keys(LIMITS).filter((name) => user[name] !== null);
  return set.length === 0
    ? t('user.limits.configured')
    : set.map((name) => (user[name] === 0 ? t(`user.limits.${name}.none`) : t(`user.limits.${name}.some`, { count: formatNumber(user[name]) }))).join(t('user.limits.comma'));
}

/** Asks for the numbers and sets them. @param {Object} user @param {function(): void} onDone */
export function changeLimitsByDialog(user, onDone) {
  const fields = Object.entries(LIMITS).map(([name, most]) => {
    const input = el('input', { class: 'input', id: name, type: 'number', min: '0', max: String(most), step: '1', inputmode: 'numeric' });
    input.value = user[name] === null ? '' : String(user[name]);
    return { name, most, input };
  });
  const wrong = ({ most, input }) => !input.validity.valid || Number(input.value) > most;
  askByForm({
    title: t('user.limits.title', { name: isolate(plainUserText(user.name)) }),
    fields: [el('p', { class: 'muted' }, t('user.limits.detail')), ...fields.map(({ name, input }) => labelled(t(`user.limits.${name}`), input))],
    submitLabel: t('user.limits.do'),
    check: () => (fields.some(wrong) ? t('user.limits.bad') : ''),
    send: () => changeUser(user.name, Object.fromEntries(fields.map(({ name, input }) => [name, input.value === '' ? null : Number(input.value)]))),
    onDone: () => {
      toast({ text: t('user.limits.done', { name: isolate(plainUserText(user.name)) }), kind: 'success' });
      onDone();
    },
  });
}
