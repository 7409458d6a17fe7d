/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* #invite=: whoever was given such an address sets the own password with it, once. What stands after # is sent to no server and in no Referer. */

import { api } from '../shared/api.js';
import { el } from '../shared/dom.js';
import { defineMessages, t } from '../shared/i18n.js';
import { toast } from '../shared/notify.js';
import { RULES, words } from './password-form.js';

defineMessages({
  en: {
    'invitation.title': 'Set your password',
    'invitation.intro': 'You were invited. Choose the password with which you will log in.',
    'invitation.submit': 'Set the password',
    'invitation.busy': 'Setting…',
    'invitation.missing': 'Type a password.',
    'invitation.done': 'The password is set. Log in as {name}.',
    'error.invalid_invitation': 'This invitation was used already or is over. Ask for a new one.',
  },
  ja: {
    'invitation.title': 'パスワードの設定',
    'invitation.intro': '招待されています。ログインに使うパスワードを決めてください。',
    'invitation.submit': 'パスワードを設定',
    'invitation.busy': '設定しています…',
    'invitation.missing': 'パスワードを入力してください。',
    'invitation.done': 'パスワードを設定しました。{name} としてログインしてください。',
    'error.invalid_invitation': 'この招待はすでに使われたか、期限が切れています。新しい招待を依頼してください。',
  },
});

/**
 * The token of the address, which is taken out of it, so that it stays neither there nor in the history.
 * @returns {string|null}
 */
export function takeInvitation() {
  const match = /^#invite=([\w-]{43})$/u.exec(location.hash);
  if (!match) {
    return null;
  }
  history.replaceState(null, '', location.pathname + location.search);
  return match[1];
}

/**
 * The form.
 * @param {{token: string, onDone: function(): void}} options onDone: the user is logged in, or has to log in
 * @returns {HTMLFormElement}
 */
export function invitationForm({ token, onDone }) {
  const password = el('input', { class: 'input', id: 'invitation-new', name: 'new', type: 'password', autocomplete: 'new-password', required: true, aria: { describedby: 'invitation-rules invitation-message' } });
  const show = el('input', { type: 'checkbox', onchange: () => { password.type = show.checked ? 'text' : 'password'; } });
  const message = el('p', { class: 'notice notice-error', role: 'alert', id: 'invitation-message', hidden: true });
  const button = el('button', { class: 'button button-primary button-wide', type: 'submit' }, t('invitation.submit'));
  const form = el('form', { class: 'login-form', method: 'post', action: 'api/invitation', novalidate: true },
    el('p', null, t('invitation.intro')),
    el('ul', { class: 'own-rules', id: 'invitation-rules' }, RULES.map((rule) => el('li', null, t(`password.rule_${rule}`)))),
    el('div', { class: 'field' }, el('label', { for: password.id }, t('password.new')), password),
    el('label', { class: 'check' }, show, el('span', null, t('login.show'))),
    message,
    button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!button.disabled) {
      submit({ token, password, message, button, onDone });
    }
  });
  return form;
}

async function submit({ token, password, message, button, onDone }) {
  const say = (text) => {
    message.hidden = text === '';
    message.textContent = text;
  };
  if (password.value === '') {
    say(t('invitation.missing'));
    password.focus();
    return;
  }
  button.disabled = true;
  button.textContent = t('invitation.busy');
  try {
    const { name } = await api.post('api/invitation', { token, new: password.value });
    await logIn(name, password.value);
    onDone();
  } catch (error) {
    say(words(error));
    password.focus();
  } finally {
    button.disabled = false;
    button.textContent = t('invitation.submit');
  }
}

/* Where this is refused (a second factor is asked for), the log-in form comes next; the password is set all the same. */
async function logIn(name, password) {
  try {
    await api.post('api/login', { username: name, password });
  } catch {
    toast({ text: t('invitation.done', { name }), kind: 'success' });
  }
}
