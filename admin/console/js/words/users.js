/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Words of the list of users. */

import { defineMessages } from '../../shared/i18n.js';

defineMessages({
  en: {
    'users.lead': 'Everybody who can log in.',
    'users.caption': 'Users',
    'users.find': 'Find',
    'users.find.placeholder': 'part of a name',
    'users.col.name': 'Name',
    'users.col.role': 'Role',
    'users.col.state': 'State',
    'users.col.conversations': 'Conversations',
    'users.col.lastLogin': 'Last log-in',
    'users.col.created': 'Made',
    'users.enabled': 'enabled',
    'users.disabled': 'disabled',
    'users.empty': 'There are no users yet',
    'users.empty.detail': 'Users are made by an administrator on the command line.',
    'users.noMatch': 'No user has this in the name',
    'users.noMatch.detail': 'Try a shorter part of the name.',
    'users.show': 'Show the conversations of {name}',
  },
  ja: {
    'users.lead': 'ログインできる全員です。',
    'users.caption': 'ユーザー',
    'users.find': '検索',
    'users.find.placeholder': '名前の一部',
    'users.col.name': '名前',
    'users.col.role': '役割',
    'users.col.state': '状態',
    'users.col.conversations': '会話',
    'users.col.lastLogin': '最終ログイン',
    'users.col.created': '作成',
    'users.enabled': '有効',
    'users.disabled': '無効',
    'users.empty': 'まだユーザーがいません',
    'users.empty.detail': 'ユーザーは管理者がコマンドラインで作成します。',
    'users.noMatch': '一致する名前のユーザーはいません',
    'users.noMatch.detail': 'もっと短い部分で試してください。',
    'users.show': '{name} の会話を表示',
  },
});
