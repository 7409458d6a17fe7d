/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* What is shown a single time: a new password, the address of an invitation. */

import { copyText } from '../shared/clipboard.js';
import { el, replaceChildren } from '../shared/dom.js';
import { isolate, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { openDialog } from '../shared/notify.js';
import { plainUserText } from './user_text.js';

/**
 * Shows a user's new password.
 * @param {string} name
 * @param {string} password
 * @param {function(): void} onClose called when it was put away
 */
export function showPassword(name, password, onClose) {
  showOnce({ id: 'password-shown', title: titled('user.password.shown.title', name), detail: t('user.password.shown.detail'), text: password, onClose });
}

/**
 * Shows the address of an invitation; where the chat page is on another host, what belongs at the end of its address.
 * @param {string} name
 * @param {{token: string, path: string|null}} invitation
 * @param {function(): void} onClose called when it was put away
 */
export function showInvitation(name, { token, path }, onClose) {
  showOnce({
    id: 'invitation-shown',
    title: titled('user.invite.shown.title', name),
    detail: t(path ? 'user.invite.shown.detail' : 'user.invite.shown.end'),
    text: path ? new URL(path, location.origin).href : `#invite=${token}`,
    onClose,
  });
}

function titled(key, name) {
  return t(key, { name: isolate(plainUserText(name)) });
}

/* It is not kept anywhere: Escape does not close this, only the button that says it was put away. */
function showOnce({ id, title, detail, text, onClose }) {
  const shown = el('output', { class: 'password-shown mono', id, tabindex: '0' }, text);
  const copied = el('p', { class: 'muted field-note', role: 'status' });
  const copy = el('button', { class: 'button', type: 'button' }, icon('copy'), t('user.password.copy'));
  copy.addEventListener('click', async () => {
    replaceChildren(copied, t((await copyText(text)) ? 'console.copied' : 'console.copyFailed'));
  });
  const done = el('button', { class: 'button button-primary', type: 'button', onclick: () => dialog.close('') }, t('user.password.shown.done'));
  const dialog = openDialog({
    title,
    content: [el('p', null, detail), el('div', { class: 'password-row' }, shown, copy), copied, el('div', { class: 'dialog-actions' }, done)],
    class: 'dialog-small',
    closable: false,
    onClose,
  });
  copy.focus();
}
