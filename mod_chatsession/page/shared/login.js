/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The log-in form of both pages. What was typed stays after a failure; a 429 counts down what Retry-After says. */

import { api } from './api.js';
import { el } from './dom.js';
import { describeError } from './errors.js';
import { defineMessages, onLanguageChange, t, translate } from './i18n.js';

defineMessages({
  en: {
    'login.title': 'Log in',
    'login.username': 'User name',
    'login.password': 'Password',
    'login.show': 'Show password',
    'login.submit': 'Log in',
    'login.busy': 'Logging in…',
    'login.wait': 'Too many attempts. Try again in {seconds} s.',
    'login.again': 'You can try again now.',
    'login.missing': 'Type your user name and your password.',
  },
  ja: {
    'login.title': 'ログイン',
    'login.username': 'ユーザー名',
    'login.password': 'パスワード',
    'login.show': 'パスワードを表示',
    'login.submit': 'ログイン',
    'login.busy': 'ログインしています…',
    'login.wait': '試行回数が多すぎます。{seconds} 秒後にもう一度お試しください。',
    'login.again': 'もう一度お試しいただけます。',
    'login.missing': 'ユーザー名とパスワードを入力してください。',
  },
});

/**
 * A log-in form.
 * @param {{onSuccess: function(Object): void, notice?: string, username?: string}} options onSuccess gets the session object;
 *   notice is shown above the fields; username fills the first field.
 * @returns {HTMLFormElement}
 */
export function loginForm({ onSuccess, notice = '', username = '' }) {
  const parts = build(notice, username);
  const state = { busy: false, timer: null };
  parts.form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit(parts, state, onSuccess);
  });
  parts.show.addEventListener('change', () => {
    parts.password.type = parts.show.checked ? 'text' : 'password';
  });
  translate(parts.form);
  const stop = onLanguageChange(() => (parts.form.isConnected ? translate(parts.form) : stop()));
  return parts.form;
}

function build(notice, name) {
  const username = el('input', {
    class: 'input', id: 'login-username', name: 'username', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', required: true, value: name,
  });
  const password = el('input', { class: 'input', id: 'login-password', name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const show = el('input', { type: 'checkbox' });
  const message = el('p', { class: 'notice notice-error', role: 'alert', id: 'login-message', hidden: true });
  const button = el('button', { class: 'button button-primary button-wide', type: 'submit', dataset: { i18n: 'login.submit' } });
  const form = el('form', { class: 'login-form', method: 'post', action: 'api/login', novalidate: true, aria: { describedby: 'login-message' } },
    notice && el('p', { class: 'notice notice-info' }, notice),
    el('div', { class: 'field' }, el('label', { for: 'login-username', dataset: { i18n: 'login.username' } }), username),
    el('div', { class: 'field' }, el('label', { for: 'login-password', dataset: { i18n: 'login.password' } }), password),
    el('label', { class: 'check' }, show, el('span', { dataset: { i18n: 'login.show' } })),
    message,
    button);
  return { form, username, password, show, message, button };
}

async function submit(parts, state, onSuccess) {
  if (state.busy || state.timer !== null) {
    return;
  }
  if (parts.username.value === '' || parts.password.value === '') {
    say(parts, t('login.missing'));
    (parts.username.value === '' ? parts.username : parts.password).focus();
    return;
  }
  setBusy(parts, state, true);
  try {
    const session = await api.post('api/login', { username: parts.username.value, password: parts.password.value });
    say(parts, '');
    onSuccess(session);
  } catch (error) {
    fail(parts, state, error);
  } finally {
    setBusy(parts, state, false);
  }
}

function setBusy(parts, state, busy) {
  state.busy = busy;
  parts.button.disabled = busy || state.timer !== null;
  parts.button.dataset.i18n = busy ? 'login.busy' : 'login.submit';
  parts.button.textContent = t(parts.button.dataset.i18n);
}

function fail(parts, state, error) {
  if (error.status === 429 && error.retryAfter) {
    countDown(parts, state, error.retryAfter);
    return;
  }
  say(parts, describeError(error));
  if (error.status === 401) {
    parts.password.focus();
    parts.password.select();
  }
}

/* The seconds change on screen each second, but a screen reader hears only the first and the last sentence. */
function countDown(parts, state, seconds) {
  const until = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left > 0) {
      say(parts, t('login.wait', { seconds: left }));
      parts.message.setAttribute('aria-live', 'off');
      return;
    }
    clearInterval(state.timer);
    state.timer = null;
    parts.message.removeAttribute('aria-live');
    say(parts, t('login.again'), 'notice-info');
    setBusy(parts, state, false);
  };
  state.timer = setInterval(tick, 1000);
  tick();
}

function say(parts, text, kind = 'notice-error') {
  parts.message.hidden = text === '';
  parts.message.className = `notice ${kind}`;
  parts.message.textContent = text;
}
