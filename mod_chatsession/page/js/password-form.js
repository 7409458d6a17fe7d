/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The form that changes the password. The server alone decides what it takes; the rules stand above the fields in words. */

import { api } from '../shared/api.js';
import { el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { defineMessages, hasMessage, t } from '../shared/i18n.js';
import { toast } from '../shared/notify.js';

/** What the server asks of a password, as words password.rule_…. */
export const RULES = ['length', 'common', 'names', 'free'];

defineMessages({
  en: {
    'password.rule_length': 'At least 8 characters; longer is better, up to 1024 bytes.',
    'password.rule_common': 'None that are tried first: words with digits, rows of keys, dates.',
    'password.rule_names': 'Not your user name, nor the name of this site.',
    'password.rule_free': 'Otherwise as you like: spaces, any script, a whole sentence.',
    'password.current': 'Present password',
    'password.new': 'New password',
    'password.show': 'Show passwords',
    'password.submit': 'Change the password',
    'password.busy': 'Changing…',
    'password.effect': 'You stay logged in here; all other browsers are logged out.',
    'password.done': 'The password is changed. All other browsers are logged out.',
    'password.missing': 'Type the present and the new password.',
    'password.wrong': 'The present password is wrong.',
    'password.wait': 'Too many attempts. Try again in {seconds} s.',
    'password.password_too_short': 'The new password has fewer than 8 characters.',
    'password.password_too_long': 'The new password is longer than 1024 bytes.',
    'password.password_not_text': 'The new password holds a character that cannot be stored.',
    'password.password_too_common': 'The new password is among those that are tried first. Choose another one.',
    'password.password_has_user_name': 'The new password contains your user name.',
    'password.password_has_site_name': 'The new password contains the name of this site.',
    'password.password_unchanged': 'The new password is the present one.',
    'password.conflict': 'The password was changed elsewhere at this moment. Log in again.',
  },
  ja: {
    'password.rule_length': '8 文字以上。長いほど安全です（1024 バイトまで）。',
    'password.rule_common': '最初に試されるもの（単語と数字、キーの並び、日付など）は使えません。',
    'password.rule_names': 'ユーザー名やこのサイトの名前を含めることはできません。',
    'password.rule_free': 'それ以外は自由です。空白も、どの文字も、文章も使えます。',
    'password.current': '現在のパスワード',
    'password.new': '新しいパスワード',
    'password.show': 'パスワードを表示',
    'password.submit': 'パスワードを変更',
    'password.busy': '変更しています…',
    'password.effect': 'ここではログインしたままですが、他のブラウザーはすべてログアウトされます。',
    'password.done': 'パスワードを変更しました。他のブラウザーはすべてログアウトされました。',
    'password.missing': '現在のパスワードと新しいパスワードを入力してください。',
    'password.wrong': '現在のパスワードが違います。',
    'password.wait': '試行回数が多すぎます。{seconds} 秒後にもう一度お試しください。',
    'password.password_too_short': '新しいパスワードが 8 文字未満です。',
    'password.password_too_long': '新しいパスワードが 1024 バイトを超えています。',
    'password.password_not_text': '新しいパスワードに保存できない文字が含まれています。',
    'password.password_too_common': '新しいパスワードは最初に試されるものの一つです。別のものを選んでください。',
    'password.password_has_user_name': '新しいパスワードにユーザー名が含まれています。',
    'password.password_has_site_name': '新しいパスワードにこのサイトの名前が含まれています。',
    'password.password_unchanged': '新しいパスワードが現在のものと同じです。',
    'password.conflict': 'パスワードが同時に別の場所で変更されました。もう一度ログインしてください。',
  },
});

/**
 * The form.
 * @param {{userName: string, onChanged: function(): void}} options
 * @returns {HTMLFormElement}
 */
export function passwordForm({ userName, onChanged }) {
  const parts = build(userName);
  parts.show.addEventListener('change', () => {
    parts.current.type = parts.next.type = parts.show.checked ? 'text' : 'password';
  });
  parts.form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!parts.button.disabled) {
      submit(parts, onChanged);
    }
  });
  return parts.form;
}

function passwordInput(id, name, autocomplete, describedBy) {
  return el('input', { class: 'input', id, name, type: 'password', autocomplete, required: true, aria: { describedby: describedBy } });
}

function build(userName) {
  const current = passwordInput('password-current', 'current', 'current-password', 'password-message');
  const next = passwordInput('password-new', 'new', 'new-password', 'password-rules password-message');
  const show = el('input', { type: 'checkbox' });
  const message = el('p', { class: 'notice notice-error', role: 'alert', id: 'password-message', hidden: true });
  const button = el('button', { class: 'button button-primary button-wide', type: 'submit' }, t('password.submit'));
  const rules = el('ul', { class: 'own-rules', id: 'password-rules' }, RULES.map((rule) => el('li', null, t(`password.rule_${rule}`))));
  const form = el('form', { class: 'own-form', method: 'post', action: 'api/password', novalidate: true },
    el('input', { type: 'text', name: 'username', autocomplete: 'username', value: userName, hidden: true, tabindex: '-1' }),
    rules,
    el('div', { class: 'field' }, el('label', { for: current.id }, t('password.current')), current),
    el('div', { class: 'field' }, el('label', { for: next.id }, t('password.new')), next),
    el('label', { class: 'check' }, show, el('span', null, t('password.show'))),
    message,
    button,
    el('p', { class: 'own-note' }, t('password.effect')));
  return { form, current, next, show, message, button };
}

async function submit(parts, onChanged) {
  if (parts.current.value === '' || parts.next.value === '') {
    say(parts, t('password.missing'));
    (parts.current.value === '' ? parts.current : parts.next).focus();
    return;
  }
  setBusy(parts, true);
  try {
    await api.post('api/password', { current: parts.current.value, new: parts.next.value });
    say(parts, '');
    parts.form.reset();
    parts.current.type = parts.next.type = 'password';
    toast({ text: t('password.done'), kind: 'success' });
    onChanged();
  } catch (error) {
    say(parts, words(error));
    const field = error.code === 'invalid_credentials' ? parts.current : parts.next;
    field.focus();
    field.select();
    parts.message.scrollIntoView({ block: 'nearest' });
  } finally {
    setBusy(parts, false);
  }
}

/**
 * Why a password was refused, in words.
 * @param {Error} error of the API
 * @returns {string}
 */
export function words(error) {
  if (error.status === 429 && error.retryAfter) {
    return t('password.wait', { seconds: error.retryAfter });
  }
  if (error.code === 'invalid_credentials') {
    return t('password.wrong');
  }
  return hasMessage(`password.${error.code}`) ? t(`password.${error.code}`) : describeError(error);
}

function setBusy(parts, busy) {
  parts.button.disabled = busy;
  parts.button.textContent = t(busy ? 'password.busy' : 'password.submit');
}

function say(parts, text) {
  parts.message.hidden = text === '';
  parts.message.textContent = text;
}
