/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The user's own account: where one is logged in, the password, the second factor, and keys for programs. */

import { el } from '../shared/dom.js';
import { defineMessages, t } from '../shared/i18n.js';
import { openDialog } from '../shared/notify.js';
import { secondFactorPart } from '../shared/second-factor.js';
import { ownKeys } from './own-keys.js';
import { ownSessions } from './own-sessions.js';
import { passwordForm } from './password-form.js';

defineMessages({
  en: {
    'own.open': 'Sessions, password and keys',
    'own.title': 'My account',
    'own.sessions': 'Where you are logged in',
    'own.password': 'Change the password',
    'own.factor': 'Second factor',
    'own.keys': 'Keys for programs',
  },
  ja: {
    'own.open': 'セッション・パスワード・キー',
    'own.title': 'マイアカウント',
    'own.sessions': 'ログイン中の場所',
    'own.password': 'パスワードの変更',
    'own.factor': '2 段階認証',
    'own.keys': 'プログラム用のキー',
  },
});

/**
 * Opens the dialog.
 * @param {{name: string}} user
 */
export function showOwnAccount(user) {
  const sessions = ownSessions();
  const form = passwordForm({ userName: user.name, onChanged: () => sessions.load() });
  const factor = secondFactorPart({ userName: user.name, onChanged: () => sessions.load() });
  const factorPart = part('own.factor', factor.node);
  factorPart.hidden = true;
  const keys = ownKeys();
  openDialog({ title: t('own.title'), content: [part('own.sessions', sessions.node), part('own.password', form), factorPart, part('own.keys', keys.node)], class: 'own-account' });
  sessions.load();
  keys.load();
  factor.load().then((state) => {
    factorPart.hidden = state === 'off';
  });
}

function part(key, content) {
  return el('section', { class: 'own-part' }, el('h3', { class: 'own-heading' }, t(key)), content);
}
