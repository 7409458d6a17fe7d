/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* What stands before the screens: the log-in form, and the refusal for somebody without an operator's role. */

import { el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { t } from '../shared/i18n.js';
import { loginForm } from '../shared/login.js';
import { toast } from '../shared/notify.js';
import { languageSwitch, themeSwitch } from '../shared/theme.js';
import { logout } from './endpoints.js';
import { userText } from './user_text.js';

/**
 * The log-in form with its frame.
 * @param {string} notice why it is shown, '' when there is nothing to say
 * @param {function(Object): void} onSession gets the new session
 * @returns {HTMLElement}
 */
export function loginPanel(notice, onSession) {
  return frame(t('console.title'), el('p', { class: 'muted' }, t('console.loginLead')), loginForm({ onSuccess: onSession, notice }));
}

/**
 * Says that the role is not enough, and offers the way out.
 * @param {{name: string, role: string}} user
 * @param {function(): void} onLeave called after the log-out
 * @returns {HTMLElement}
 */
export function deniedPanel(user, onLeave) {
  const [before, after] = t('denied.detail', { role: roleName(user.role) }).split('{name}');
  return frame(
    t('denied.title'),
    el('p', null, before, userText(user.name), after),
    el('button', { class: 'button button-primary', type: 'button', onclick: () => logOut(onLeave) }, t('console.logout')),
  );
}

/**
 * The way to a second factor, without which the console answers nothing.
 * @param {HTMLElement} steps of enrolment.js
 * @param {function(): void} onLeave called after the log-out
 * @returns {HTMLElement}
 */
export function enrolmentPanel(steps, onLeave) {
  return frame(
    t('factor.needed_title'),
    steps,
    el('button', { class: 'button button-quiet', type: 'button', onclick: () => logOut(onLeave) }, t('console.logout')),
  );
}

/**
 * Log out; when that fails the operator is told, because the session still lives.
 * @param {function(): void} onLeave
 */
export async function logOut(onLeave) {
  try {
    await logout();
    onLeave();
  } catch (error) {
    if (error.status === 401) {
      onLeave();
    } else {
      toast({ text: t('console.logoutFailed', { detail: describeError(error) }), kind: 'error' });
    }
  }
}

/** A role's name in the reader's language. @param {string} role @returns {string} */
export function roleName(role) {
  const key = `role.${role}`;
  const name = t(key);
  return name === key ? role : name;
}

function frame(title, ...content) {
  return el(
    'main',
    { class: 'entrance' },
    el(
      'div',
      { class: 'card entrance-card' },
      el('p', { class: 'muted entrance-product' }, t('console.product')),
      el('h1', null, title),
      content,
    ),
    el('div', { class: 'entrance-choices' }, themeSwitch(), languageSwitch()),
  );
}
