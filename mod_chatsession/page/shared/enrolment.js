/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Setting up a second factor, in three steps: the password, then the secret for an authenticator app and its first code, then the recovery codes. Both
 * pages use it, in the account's dialog and where it must be done before anything else.
 */

import { api } from './api.js';
import { copyText } from './clipboard.js';
import { el, replaceChildren } from './dom.js';
import { describeError } from './errors.js';
import { defineMessages, hasMessage, t } from './i18n.js';
import { icon } from './icons.js';
import { toast } from './notify.js';
import { qrCode } from './qr.js';

defineMessages({
  en: {
    'factor.needed_title': 'Set up a second factor',
    'factor.needed': 'Here a log-in needs a code beside the password. Set that up once, and you can go on.',
    'factor.lead': 'You need an authenticator app on your phone or in your password manager. From then on each log-in asks for its code.',
    'factor.password': 'Your password',
    'factor.next': 'Next',
    'factor.cancel': 'Cancel',
    'factor.busy': 'One moment…',
    'factor.scan': 'Scan this picture with the app.',
    'factor.picture': 'QR code of the key that stands below',
    'factor.type': 'Or type this key into it:',
    'factor.open': 'Open the app on this device',
    'factor.copy': 'Copy',
    'factor.copied': 'Copied',
    'factor.copy_failed': 'The browser did not allow copying.',
    'factor.code': 'Then type the code that the app shows',
    'factor.confirm': 'Confirm',
    'factor.codes_title': 'Recovery codes',
    'factor.codes': 'Each of them lets you in once if you lose the app. They are shown only now: keep them where the app is not.',
    'factor.download': 'Download',
    'factor.done': 'I have kept them',
    'factor.missing': 'Fill in the field.',
    'factor.wait': 'Too many attempts. Try again in {seconds} s.',
    'factor.file': 'Recovery codes of {name} at {site}, made {time}. Each lets you in once.',
    'factor.invalid_credentials': 'The password is wrong.',
    'factor.invalid_code': 'The code is wrong. Is the clock of the device right? The app shows a new code every half minute.',
    'factor.second_factor_not_begun': 'That took longer than a quarter of an hour. Begin anew.',
    'factor.no_second_factor': 'It was taken away elsewhere in the meantime. Reload the page.',
    'factor.second_factor_off': 'This site asks for no second factor.',
    'factor.second_factor_active': 'It was set up elsewhere in the meantime. Reload the page.',
    'factor.conflict': 'It was changed elsewhere at this moment. Reload the page.',
  },
  ja: {
    'factor.needed_title': '2 段階認証の設定',
    'factor.needed': 'ここでのログインには、パスワードのほかにコードが必要です。一度設定すると、続けることができます。',
    'factor.lead': 'スマートフォンやパスワード管理ソフトの認証アプリが必要です。設定すると、ログインのたびにそのコードを尋ねます。',
    'factor.password': 'パスワード',
    'factor.next': '次へ',
    'factor.cancel': 'キャンセル',
    'factor.busy': 'お待ちください…',
    'factor.scan': 'アプリでこの画像を読み取ってください。',
    'factor.picture': '下に書かれたキーの QR コード',
    'factor.type': 'または、次のキーを入力してください:',
    'factor.open': 'この端末のアプリを開く',
    'factor.copy': 'コピー',
    'factor.copied': 'コピーしました',
    'factor.copy_failed': 'ブラウザーがコピーを許可しませんでした。',
    'factor.code': 'アプリに表示されたコードを入力してください',
    'factor.confirm': '確認',
    'factor.codes_title': '回復コード',
    'factor.codes': 'アプリを失ったとき、それぞれ一度だけログインに使えます。今だけ表示されます。アプリとは別の場所に保管してください。',
    'factor.download': 'ダウンロード',
    'factor.done': '保管しました',
    'factor.missing': '入力してください。',
    'factor.wait': '試行回数が多すぎます。{seconds} 秒後にもう一度お試しください。',
    'factor.file': '{site} の {name} の回復コード（{time} 作成）。それぞれ一度だけ使えます。',
    'factor.invalid_credentials': 'パスワードが違います。',
    'factor.invalid_code': 'コードが違います。端末の時計は合っていますか？ アプリは 30 秒ごとに新しいコードを表示します。',
    'factor.second_factor_not_begun': '15 分を過ぎました。最初からやり直してください。',
    'factor.no_second_factor': 'その間に別の場所で解除されました。ページを再読み込みしてください。',
    'factor.second_factor_off': 'このサイトでは 2 段階認証を使用していません。',
    'factor.second_factor_active': 'その間に別の場所で設定されました。ページを再読み込みしてください。',
    'factor.conflict': '同時に別の場所で変更されました。ページを再読み込みしてください。',
  },
});

/**
 * The steps, one after the other in one element.
 * @param {{userName: string, lead?: string, onDone: function(): void, onCancel?: function(): void}} options onDone is called when the recovery codes
 *   were put away; onCancel left out: there is no way back
 * @returns {HTMLElement}
 */
export function enrolment({ userName, lead = '', onDone, onCancel = null }) {
  const node = el('div', { class: 'factor' });
  const begin = (notice) => replaceChildren(node, passwordStep({ userName, lead, notice, onCancel, onSecret: confirm }));
  const confirm = (made) => {
    replaceChildren(node, secretStep({ made, onCancel, onVoid: begin, onCodes: keep }));
    node.querySelector('#factor-code').focus();
  };
  const keep = (codes) => {
    replaceChildren(node, recoveryCodes({ userName, codes, onDone }));
    node.querySelector('h3').focus();
  };
  begin('');
  return node;
}

/**
 * The recovery codes, shown once.
 * @param {{userName: string, codes: string[], onDone: function(): void}} options
 * @returns {HTMLElement}
 */
export function recoveryCodes({ userName, codes, onDone }) {
  return el('div', { class: 'factor' },
    el('h3', { class: 'factor-heading', tabindex: '-1' }, t('factor.codes_title')),
    el('p', null, t('factor.codes')),
    el('ol', { class: 'factor-codes' }, codes.map((code) => el('li', null, el('code', null, code)))),
    el('div', { class: 'factor-actions' },
      copyButton(codes.join('\n')),
      el('button', { class: 'button', type: 'button', dataset: { download: '' }, onclick: () => download(userName, codes) }, icon('download'), t('factor.download')),
      el('button', { class: 'button button-primary', type: 'button', dataset: { done: '' }, onclick: onDone }, t('factor.done'))));
}

/**
 * A form with a message and one button that sends; what was typed stays after a failure.
 * @param {{fields: Node[], label: string, danger?: boolean, onCancel?: function(): void|null, send: function(): Promise<void>}} options
 * @returns {HTMLFormElement}
 */
export function factorForm({ fields, label, danger = false, onCancel = null, send }) {
  const message = el('p', { class: 'notice notice-error', role: 'alert', hidden: true });
  const button = el('button', { class: `button ${danger ? 'button-danger' : 'button-primary'}`, type: 'submit' }, label);
  const cancel = onCancel && el('button', { class: 'button', type: 'button', onclick: onCancel }, t('factor.cancel'));
  const form = el('form', { class: 'factor-form', method: 'post', action: 'api/second-factor', novalidate: true }, fields, message,
    el('div', { class: 'factor-actions' }, button, cancel));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const empty = [...form.querySelectorAll('input[required]')].find((input) => input.value.trim() === '');
    if (button.disabled) {
      return;
    }
    if (empty) {
      say(message, t('factor.missing'));
      empty.focus();
      return;
    }
    button.disabled = true;
    button.textContent = t('factor.busy');
    try {
      await send();
    } catch (error) {
      say(message, wordsFor(error));
      const wrong = form.querySelector(error.code === 'invalid_credentials' ? 'input[type=password]' : 'input[name=code]') ?? form.querySelector('input[required]');
      wrong.focus();
      wrong.select();
    } finally {
      button.disabled = false;
      button.textContent = label;
    }
  });
  return form;
}

/** A password's field, and a hidden one that tells password managers whose it is. @param {string} userName @returns {Node[]} */
export function passwordField(userName) {
  return [
    el('input', { type: 'text', name: 'username', autocomplete: 'username', value: userName, hidden: true, tabindex: '-1' }),
    el('div', { class: 'field' }, el('label', { for: 'factor-password' }, t('factor.password')),
      el('input', { class: 'input', id: 'factor-password', name: 'password', type: 'password', autocomplete: 'current-password', required: true })),
  ];
}

/** A code's field. @param {string} label @param {string} inputmode `numeric` unless a recovery code will do @returns {Node} */
export function codeField(label, inputmode) {
  return el('div', { class: 'field' }, el('label', { for: 'factor-code' }, label),
    el('input', { class: 'input', id: 'factor-code', name: 'code', autocomplete: 'one-time-code', autocapitalize: 'none', spellcheck: 'false', inputmode, maxlength: 64, required: true }));
}

/** What was typed, as the API takes it: full-width digits are what some keyboards give. @param {ParentNode} form @returns {string} */
export function typedCode(form) {
  return form.querySelector('input[name=code]').value.normalize('NFKC').trim();
}

function passwordStep({ userName, lead, notice, onCancel, onSecret }) {
  const form = factorForm({
    fields: passwordField(userName),
    label: t('factor.next'),
    onCancel,
    send: async () => onSecret(await api.post('api/second-factor', { password: form.elements.password.value })),
  });
  return [lead && el('p', null, lead), el('p', { class: 'factor-note' }, t('factor.lead')), notice && el('p', { class: 'notice notice-warn', role: 'alert' }, notice), form];
}

function secretStep({ made, onCancel, onVoid, onCodes }) {
  const form = factorForm({
    fields: [codeField(t('factor.code'), 'numeric')],
    label: t('factor.confirm'),
    onCancel,
    send: async () => {
      try {
        const { recovery_codes: codes } = await api.post('api/second-factor/confirm', { code: typedCode(form) });
        onCodes(codes);
      } catch (error) {
        if (error.code !== 'second_factor_not_begun') {
          throw error;
        }
        onVoid(wordsFor(error));
      }
    },
  });
  return [
    el('p', null, t('factor.scan')),
    qrCode(made.uri, t('factor.picture')),
    el('p', { class: 'factor-note' }, t('factor.type')),
    el('div', { class: 'factor-key' }, el('code', { dataset: { secret: made.secret } }, made.secret.match(/.{1,4}/g).join(' ')), copyButton(made.secret)),
    el('p', null, el('a', { href: made.uri }, t('factor.open'))),
    form,
  ];
}

function copyButton(text) {
  const copy = async () => {
    const copied = await copyText(text);
    toast({ text: t(copied ? 'factor.copied' : 'factor.copy_failed'), kind: copied ? 'success' : 'error' });
  };
  return el('button', { class: 'button', type: 'button', dataset: { copy: '' }, onclick: copy }, icon('copy'), t('factor.copy'));
}

function download(userName, codes) {
  const words = t('factor.file', { name: userName, site: location.host, time: new Date().toISOString() });
  const href = URL.createObjectURL(new Blob([`${words}\n\n${codes.join('\n')}\n`], { type: 'text/plain;charset=utf-8' }));
  el('a', { href, download: `recovery-codes-${location.hostname}.txt` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60000);
}

function wordsFor(error) {
  if (error.status === 429 && error.retryAfter) {
    return t('factor.wait', { seconds: error.retryAfter });
  }
  return hasMessage(`factor.${error.code}`) ? t(`factor.${error.code}`) : describeError(error);
}

function say(message, text) {
  message.hidden = text === '';
  message.textContent = text;
}
