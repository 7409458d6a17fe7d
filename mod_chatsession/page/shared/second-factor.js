/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The user's own second factor: whether there is one, set it up, make new recovery codes, remove it. Both pages use it. */

import { api } from './api.js';
import { el, replaceChildren } from './dom.js';
import { codeField, enrolment, factorForm, passwordField, recoveryCodes, typedCode } from './enrolment.js';
import { describeError } from './errors.js';
import { defineMessages, formatNumber, t } from './i18n.js';
import { openDialog, toast } from './notify.js';

defineMessages({
  en: {
    'factor.title': 'Second factor',
    'factor.none': 'A log-in needs the password alone. With a second factor who learns the password still does not get in.',
    'factor.set_up': 'Set it up',
    'factor.active': 'Each log-in asks for a code of your authenticator app. Recovery codes left: {count}',
    'factor.few': 'Only {count} recovery codes are left. Make new ones in time.',
    'factor.renew': 'New recovery codes',
    'factor.renew_note': 'The old ones are void then.',
    'factor.remove': 'Remove it',
    'factor.remove_note': 'A log-in then needs the password alone. All other browsers are logged out.',
    'factor.either_code': 'Code of the app, or a recovery code',
    'factor.enrolled': 'The second factor is set up. All other browsers are logged out.',
    'factor.removed': 'The second factor is removed. All other browsers are logged out.',
    'factor.off': 'This site asks for no second factor.',
    'factor.failed': 'It could not be loaded',
    'factor.again': 'Try again',
  },
  ja: {
    'factor.title': '2 段階認証',
    'factor.none': '現在、ログインに必要なのはパスワードだけです。2 段階認証を設定すると、パスワードを知られてもログインされません。',
    'factor.set_up': '設定する',
    'factor.active': 'ログインのたびに認証アプリのコードを尋ねます。残りの回復コード: {count}',
    'factor.few': '回復コードの残りは {count} です。早めに作り直してください。',
    'factor.renew': '回復コードを作り直す',
    'factor.renew_note': '古いコードは無効になります。',
    'factor.remove': '停止する',
    'factor.remove_note': 'ログインに必要なのはパスワードだけになります。他のブラウザーはすべてログアウトされます。',
    'factor.either_code': 'アプリのコードまたは回復コード',
    'factor.enrolled': '2 段階認証を設定しました。他のブラウザーはすべてログアウトされました。',
    'factor.removed': '2 段階認証を停止しました。他のブラウザーはすべてログアウトされました。',
    'factor.off': 'このサイトでは 2 段階認証を使いません。',
    'factor.failed': '読み込めませんでした',
    'factor.again': '再試行',
  },
});

const FEW_CODES = 3;

/**
 * The part of an account's page; empty until it is loaded.
 * @param {{userName: string, onChanged?: function(): void}} options onChanged is called when other sessions have ended
 * @returns {{node: HTMLElement, load: function(): Promise<string>}} load resolves to the state, '' when that could not be told
 */
export function secondFactorPart({ userName, onChanged = () => {} }) {
  const node = el('div', { class: 'factor' });
  const part = { node, userName, onChanged, load };
  async function load() {
    try {
      const found = await api.get('api/second-factor');
      draw(part, found);
      return found.state;
    } catch (error) {
      const again = el('button', { class: 'button button-small', type: 'button', onclick: load }, t('factor.again'));
      replaceChildren(node, el('p', { class: 'notice notice-error', role: 'alert' }, `${t('factor.failed')}: ${describeError(error)}`), again);
      return '';
    }
  }
  return part;
}

/**
 * The same in a dialog of its own.
 * @param {string} userName
 */
export function showSecondFactor(userName) {
  const part = secondFactorPart({ userName });
  openDialog({ title: t('factor.title'), content: part.node, class: 'factor-dialog' });
  part.load();
}

function draw(part, found) {
  if (found.state === 'off') {
    replaceChildren(part.node, el('p', null, t('factor.off')));
  } else if (found.state === 'active') {
    drawActive(part, found.recovery_codes);
  } else {
    replaceChildren(part.node, el('p', { class: 'factor-note' }, t('factor.none')),
      el('div', { class: 'factor-actions' }, button('setUp', 'factor.set_up', () => setUp(part))));
  }
}

function drawActive(part, count) {
  const few = count <= FEW_CODES;
  replaceChildren(part.node,
    el('p', { class: few ? 'notice notice-warn' : 'factor-note' }, t(few ? 'factor.few' : 'factor.active', { count: formatNumber(count) })),
    el('div', { class: 'factor-actions' }, button('renew', 'factor.renew', () => renew(part)), button('remove', 'factor.remove', () => remove(part))));
}

function button(name, key, onclick) {
  return el('button', { class: 'button', type: 'button', dataset: { factor: name }, onclick }, t(key));
}

function setUp(part) {
  const onDone = () => {
    toast({ text: t('factor.enrolled'), kind: 'success' });
    part.onChanged();
    part.load();
  };
  replaceChildren(part.node, enrolment({ userName: part.userName, onDone, onCancel: part.load }));
  part.node.querySelector('input[required]').focus();
}

function renew(part) {
  ask(part, { label: t('factor.renew'), note: t('factor.renew_note') }, async (body) => {
    const { recovery_codes: codes } = await api.post('api/second-factor/recovery-codes', body);
    replaceChildren(part.node, recoveryCodes({ userName: part.userName, codes, onDone: part.load }));
    part.node.querySelector('h3').focus();
  });
}

function remove(part) {
  ask(part, { label: t('factor.remove'), note: t('factor.remove_note'), danger: true }, async (body) => {
    await api.post('api/second-factor/remove', body);
    toast({ text: t('factor.removed'), kind: 'success' });
    part.onChanged();
    await part.load();
  });
}

/* Password and code, as both changes want them. */
function ask(part, { label, note, danger = false }, send) {
  const form = factorForm({
    fields: [passwordField(part.userName), codeField(t('factor.either_code'), 'text')],
    label,
    danger,
    onCancel: part.load,
    send: () => send({ password: form.elements.password.value, code: typedCode(form) }),
  });
  replaceChildren(part.node, el('p', { class: 'factor-note' }, note), form);
  form.querySelector('input[required]').focus();
}
