/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Words of the list of sessions. */

import { defineMessages } from '../../shared/i18n.js';

defineMessages({
  en: {
    'sessions.lead': 'Browsers that are logged in now. Ending a session logs that browser out at once, everywhere.',
    'sessions.caption': 'Sessions',
    'sessions.col.user': 'User',
    'sessions.col.role': 'Role',
    'sessions.col.agent': 'Browser',
    'sessions.col.network': 'Network',
    'sessions.col.created': 'Begun',
    'sessions.col.lastSeen': 'Last seen',
    'sessions.col.expires': 'Ends',
    'sessions.col.ref': 'Reference, as in the server’s log',
    'sessions.col.action': 'Action',
    'sessions.empty': 'Nobody is logged in',
    'sessions.empty.detail': 'Sessions appear here when somebody logs in.',
    'sessions.current': 'this one',
    'sessions.end': 'End',
    'sessions.endOf': 'End the session of {name}',
    'sessions.endSelected': 'End selected…',
    'sessions.confirm.title.one': 'End {count} session?',
    'sessions.confirm.title.other': 'End {count} sessions?',
    'sessions.confirm.detail':
      '{names} must log in again. A text being written in the page is kept there. This cannot be undone. If one of them is your own session, you are logged out as well.',
    'sessions.confirm.more.one': '{names} and {count} other',
    'sessions.confirm.more.other': '{names} and {count} others',
    'sessions.confirm.do.one': 'End {count} session',
    'sessions.confirm.do.other': 'End {count} sessions',
    'sessions.done.one': '{count} session ended.',
    'sessions.done.other': '{count} sessions ended.',
  },
  ja: {
    'sessions.lead': '現在ログインしているブラウザーです。セッションを終了すると、ただちにログアウトされます。',
    'sessions.caption': 'セッション',
    'sessions.col.user': 'ユーザー',
    'sessions.col.role': '役割',
    'sessions.col.agent': 'ブラウザー',
    'sessions.col.network': 'ネットワーク',
    'sessions.col.created': '開始',
    'sessions.col.lastSeen': '最終アクセス',
    'sessions.col.expires': '期限',
    'sessions.col.ref': 'サーバーのログにある参照',
    'sessions.col.action': '操作',
    'sessions.empty': 'ログインしている人はいません',
    'sessions.empty.detail': '誰かがログインすると、ここに表示されます。',
    'sessions.current': 'このブラウザー',
    'sessions.end': '終了',
    'sessions.endOf': '{name} のセッションを終了',
    'sessions.endSelected': '選択したものを終了…',
    'sessions.confirm.title.one': '{count} 件のセッションを終了しますか?',
    'sessions.confirm.title.other': '{count} 件のセッションを終了しますか?',
    'sessions.confirm.detail':
      '{names} はもう一度ログインが必要になります。ページに入力中の文章は残ります。元に戻せません。自分のセッションが含まれる場合、あなたもログアウトされます。',
    'sessions.confirm.more.one': '{names} と他 {count} 人',
    'sessions.confirm.more.other': '{names} と他 {count} 人',
    'sessions.confirm.do.one': '{count} 件を終了',
    'sessions.confirm.do.other': '{count} 件を終了',
    'sessions.done.one': '{count} 件のセッションを終了しました。',
    'sessions.done.other': '{count} 件のセッションを終了しました。',
  },
});
