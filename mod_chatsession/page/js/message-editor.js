/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The box in which a message that was sent is written anew. It makes a new version of the message; the old one stays. */

import { el } from '../shared/dom.js';
import { formatNumber, t } from '../shared/i18n.js';
import { codePointLength } from './code-points.js';
import { MESSAGE_LIMIT } from './composer.js';
import { EnterKey } from './enter.js';

/**
 * A form with the text in it.
 * @param {string} text
 * @param {{onSend: function(string): void, onCancel: function(): void}} handlers
 * @returns {HTMLElement}
 */
export function messageEditor(text, { onSend, onCancel }) {
  const box = el('textarea', { class: 'input', rows: '1', dir: 'auto', value: text, aria: { label: t('edit.label') } });
  const note = el('p', { class: 'editor-note', role: 'status' });
  const send = el('button', { class: 'button button-small button-primary', type: 'submit' }, t('edit.send'));
  const cancel = el('button', { class: 'button button-small', type: 'button', onclick: onCancel }, t('dialog.cancel'));
  const form = el('form', { class: 'editor' }, box, el('div', { class: 'editor-actions' }, note, cancel, send));
  const refresh = () => {
    const count = codePointLength(box.value);
    send.disabled = box.value.trim() === '' || count > MESSAGE_LIMIT;
    note.textContent = count > MESSAGE_LIMIT ? t('composer.too_long', { count: formatNumber(count), limit: formatNumber(MESSAGE_LIMIT) }) : '';
    box.style.height = 'auto';
    box.style.height = `${box.scrollHeight + 2}px`;
  };
  const enter = new EnterKey(box, () => form.requestSubmit());
  box.addEventListener('input', refresh);
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !enter.belongsToInput(event)) {
      event.preventDefault();
      event.stopPropagation();
      onCancel();
    }
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!send.disabled) {
      onSend(box.value);
    }
  });
  /* Another width breaks the lines elsewhere. */
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth !== width) {
      width = box.clientWidth;
      refresh();
    }
  }).observe(box);
  /* Its height is known only once it stands on the page. */
  requestAnimationFrame(() => {
    refresh();
    box.focus({ preventScroll: true });
    box.setSelectionRange(box.value.length, box.value.length);
    form.scrollIntoView({ block: 'nearest' });
  });
  return form;
}
