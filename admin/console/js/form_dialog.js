/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* A dialog that asks by a form, sends what was given, stays open with the problem when that fails, and closes when it is done. */

import { el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { t } from '../shared/i18n.js';
import { openDialog } from '../shared/notify.js';

/**
 * @param {{title: string, fields: (Node|false|null)[], submitLabel: string, danger?: boolean, small?: boolean, check?: function(): string,
 *   judged?: HTMLElement, send: function(): Promise<*>, onDone: function(*): void, onError?: function(Error): boolean,
 *   onClose?: function(): void}} options check gives the problem in words, '' when there is none; judged is the control that problems are
 *   about; onError says whether it dealt with the error itself; onClose is called at the end in any case, after onDone
 * @returns {HTMLDialogElement}
 */
export function askByForm({ title, fields, submitLabel, danger = false, small = false, check = () => '', judged, send, onDone, onError = () => false, onClose }) {
  const problem = el('p', { class: 'notice notice-error', role: 'alert', hidden: true });
  const submit = el('button', { class: `button ${danger ? 'button-danger' : 'button-primary'}`, type: 'submit' }, submitLabel);
  const form = el(
    'form',
    { class: 'dialog-form', novalidate: true },
    fields,
    problem,
    el(
      'div',
      { class: 'dialog-actions' },
      el('button', { class: 'button', type: 'button', onclick: () => dialog.close('') }, t('console.cancel')),
      submit,
    ),
  );
  const dialog = openDialog({ title, content: form, class: small ? 'dialog-small' : '', onClose });
  const say = (text) => {
    problem.textContent = text;
    problem.hidden = text === '';
    judged?.setAttribute('aria-invalid', String(text !== ''));
  };
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const wrong = check();
    say(wrong);
    if (wrong) {
      judged?.focus();
      return;
    }
    submit.disabled = true;
    try {
      const answer = await send();
      dialog.close('');
      onDone(answer);
    } catch (error) {
      submit.disabled = false;
      if (!onError(error)) say(describeError(error));
    }
  });
  form.querySelector('input, select, textarea')?.focus();
  return dialog;
}

/**
 * A labelled control.
 * @param {string} label
 * @param {HTMLElement} control with an id
 * @param {string} [note] a sentence below it
 * @returns {HTMLElement}
 */
export function labelled(label, control, note = '') {
  return el('div', { class: 'field' }, el('label', { for: control.id }, label), control, note && el('p', { class: 'muted field-note' }, note));
}

/**
 * A choice of words.
 * @param {string} id
 * @param {[string, string][]} options value and words
 * @param {string} chosen
 * @returns {HTMLSelectElement}
 */
export function choice(id, options, chosen) {
  const select = el(
    'select',
    { class: 'input', id },
    options.map(([value, words]) => el('option', { value }, words)),
  );
  select.value = chosen;
  return select;
}

/**
 * Names, one per line or separated by commas, each once.
 * @param {string} text
 * @returns {string[]}
 */
export function listOf(text) {
  return [
    ...new Set(
      text
        .split(/[\n,、]/u)
        .map((word) => word.trim())
        .filter(Boolean),
    ),
  ];
}
