/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The log-in form of both pages. What was typed stays after a failure; a 429 counts down what Retry-After says. Who has a second factor is asked for a
 * code once the password was right; name, password and code then go together.
 */

import { api } from './api.js';
import { el } from './dom.js';
import { describeError } from './errors.js';
import { defineMessages, onLanguageChange, t, translate } from './i18n.js';

defineMessages({
  en: {
    'login.username': 'User name',
    'login.password': 'Password',
    'login.show': 'Show password',
    'login.submit': 'Log in',
    'login.busy': 'Logging in…',
    'login.wait': 'Too many attempts. Try again in {seconds} s.',
    'login.again': 'You can try again now.',
    'login.missing': 'Type your user name and your password.',
    'login.code': 'Code of your authenticator app',
    'login.recovery': 'Recovery code',
    'login.use_recovery': 'Use a recovery code',
    'login.use_app': 'Use the app’s code',
    'login.back': 'Back',
    'login.code_missing': 'Type the code.',
    'error.invalid_code': 'The code is wrong, or was used already. The app shows a new one every half minute.',
  },
  ja: {
    'login.username': 'ユーザー名',
    'login.password': 'パスワード',
    'login.show': 'パスワードを表示',
    'login.submit': 'ログイン',
    'login.busy': 'ログインしています…',
    'login.wait': '試行回数が多すぎます。{seconds} 秒後にもう一度お試しください。',
    'login.again': 'もう一度お試しいただけます。',
    'login.missing': 'ユーザー名とパスワードを入力してください。',
    'login.code': '認証アプリのコード',
    'login.recovery': '回復コード',
    'login.use_recovery': '回復コードを使う',
    'login.use_app': 'アプリのコードを使う',
    'login.back': '戻る',
    'login.code_missing': 'コードを入力してください。',
    'error.invalid_code': 'コードが違うか、すでに使われています。アプリは 30 秒ごとに新しいコードを表示します。',
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
  parts.other.addEventListener('click', () => askFor(parts, parts.code.inputMode === 'numeric'));
  parts.back.addEventListener('click', () => askAgain(parts));
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
  const code = el('input', { class: 'input', id: 'login-code', name: 'code', autocomplete: 'one-time-code', autocapitalize: 'none', spellcheck: 'false', maxlength: 64 });
  const codeLabel = el('label', { for: 'login-code' });
  const other = el('button', { class: 'button button-quiet', type: 'button', dataset: { otherCode: '' } });
  const back = el('button', { class: 'button button-quiet', type: 'button', dataset: { i18n: 'login.back', back: '' } });
  const message = el('p', { class: 'notice notice-error', role: 'alert', id: 'login-message', hidden: true });
  const button = el('button', { class: 'button button-primary button-wide', type: 'submit', dataset: { i18n: 'login.submit' } });
  const first = el('div', { class: 'login-step' },
    el('div', { class: 'field' }, el('label', { for: 'login-username', dataset: { i18n: 'login.username' } }), username),
    el('div', { class: 'field' }, el('label', { for: 'login-password', dataset: { i18n: 'login.password' } }), password),
    el('label', { class: 'check' }, show, el('span', { dataset: { i18n: 'login.show' } })));
  const second = el('div', { class: 'login-step', hidden: true },
    el('div', { class: 'field' }, codeLabel, code),
    el('div', { class: 'login-ways' }, other, back));
  const form = el('form', { class: 'login-form', method: 'post', action: 'api/login', novalidate: true, aria: { describedby: 'login-message' } },
    notice && el('p', { class: 'notice notice-info' }, notice),
    first,
    second,
    message,
    button);
  return { form, first, second, username, password, show, code, codeLabel, other, back, message, button };
}

/* The second step; recovery: a code with letters. */
function askFor(parts, recovery) {
  parts.first.hidden = true;
  parts.second.hidden = false;
  parts.code.inputMode = recovery ? 'text' : 'numeric';
  parts.codeLabel.dataset.i18n = recovery ? 'login.recovery' : 'login.code';
  parts.other.dataset.i18n = recovery ? 'login.use_app' : 'login.use_recovery';
  parts.code.value = '';
  translate(parts.second);
  say(parts, '');
  parts.code.focus();
}

function askAgain(parts) {
  parts.first.hidden = false;
  parts.second.hidden = true;
  parts.code.value = '';
  say(parts, '');
  parts.password.focus();
  parts.password.select();
}

/* Full-width digits are what some keyboards give. */
function credentials(parts) {
  const body = { username: parts.username.value, password: parts.password.value };
  return parts.second.hidden ? body : { ...body, code: parts.code.value.normalize('NFKC').trim() };
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
  if (!parts.second.hidden && parts.code.value.trim() === '') {
    say(parts, t('login.code_missing'));
    parts.code.focus();
    return;
  }
  setBusy(parts, state, true);
  try {
    const session = await api.post('api/login', credentials(parts));
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
  if (error.code === 'second_factor_required') {
    askFor(parts, false);
    return;
  }
  if (error.code === 'invalid_code') {
    parts.code.focus();
    parts.code.select();
  } else if (error.status === 401) {
    askAgain(parts);
  }
  say(parts, describeError(error));
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
