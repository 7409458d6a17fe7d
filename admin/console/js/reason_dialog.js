/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Asks an operator why they look. */

import { el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { openDialog } from '../shared/notify.js';

/* The server takes 1,000 octets; a Japanese character has three. */
const MAX_LENGTH = 300;

/**
 * @param {AbortSignal} signal closes the dialog when the operator has gone elsewhere
 * @returns {Promise<string|null>} null when cancelled
 */
export function askReason(signal) {
  return new Promise((resolve) => {
    const input = el('input', {
      class: 'input',
      id: 'reason',
      maxlength: String(MAX_LENGTH),
      autocomplete: 'off',
      placeholder: t('reason.placeholder'),
      aria: { describedby: 'reason-problem', required: 'true' },
    });
    const problem = el('p', { class: 'field-problem', id: 'reason-problem', role: 'alert' });
    const form = el(
      'form',
      { class: 'dialog-form', novalidate: true },
      el('p', { class: 'muted' }, t('reason.detail')),
      el('div', { class: 'field' }, el('label', { for: 'reason' }, t('reason.label')), input, problem),
      el(
        'div',
        { class: 'dialog-actions' },
        el('button', { class: 'button', type: 'button', onclick: () => dialog.close('') }, t('console.cancel')),
        el('button', { class: 'button button-primary', type: 'submit' }, t('reason.submit')),
      ),
    );
    const dialog = openDialog({ title: t('reason.title'), content: form, onClose: (value) => resolve(value === '' ? null : value) });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const reason = input.value.trim();
      if (reason !== '') {
        dialog.close(reason);
        return;
      }
      problem.textContent = t('reason.needed');
      input.setAttribute('aria-invalid', 'true');
      input.focus();
    });
    signal.addEventListener('abort', () => dialog.open && dialog.close(''));
    input.focus();
  });
}
