/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Words of the Home screen. */

import { defineMessages } from '../../shared/i18n.js';

defineMessages({
  en: {
    'home.lead': 'How the service stands now. This page refreshes itself while it is in view.',
    'home.updated': 'As of {time}',
    'home.stale': 'These figures are from {time}: they could not be refreshed. {detail}',
    'home.refresh': 'Refresh',
    'home.running': 'Answers being written',
    'home.turnsLastHour': 'Turns in the last hour',
    'home.sessions': 'Sessions',
    'home.users': 'Users',
    'home.active': 'Conversations',
    'home.trashed': 'In the trash',
    'home.trashed.note.none': 'nothing waits to be purged',
    'home.trashed.note': 'next purge {time}',
    'home.messages': 'Messages',
    'home.messages.note': '{average} per conversation',
    'home.database': 'Database size',
    'home.section.now': 'Now',
    'home.section.kept': 'Kept',
  },
  ja: {
    'home.lead': '現在の状況です。表示中は自動で更新されます。',
    'home.updated': '{time} 時点',
    'home.stale': '{time} 時点の値です。更新できませんでした。{detail}',
    'home.refresh': '更新',
    'home.running': '生成中の回答',
    'home.turnsLastHour': '直近 1 時間のやりとり',
    'home.sessions': 'セッション',
    'home.users': 'ユーザー',
    'home.active': '会話',
    'home.trashed': 'ごみ箱の会話',
    'home.trashed.note.none': '完全削除を待つ会話はありません',
    'home.trashed.note': '次の完全削除 {time}',
    'home.messages': 'メッセージ',
    'home.messages.note': '1 会話あたり {average} 件',
    'home.database': 'データベースの大きさ',
    'home.section.now': '現在',
    'home.section.kept': '保存されているもの',
  },
});
