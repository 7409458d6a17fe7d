/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Words of expiring and restoring. */

import { defineMessages } from '../../shared/i18n.js';

defineMessages({
  en: {
    'expire.title': 'Expire conversations',
    'expire.counting': 'Counting what would be expired…',
    'expire.nothing': 'Nothing to expire: no active conversation is selected.',
    'expire.count': '{conversations} with {messages} will be expired.',
    'expire.conversations.one': '{count} conversation',
    'expire.conversations.other': '{count} conversations',
    'expire.messages.one': '{count} message',
    'expire.messages.other': '{count} messages',
    'expire.effect.now': 'Out of their users’ sight at once; a running answer is ended.',
    'expire.effect.purgeAt': 'Purged for good from {time} on. Until then an operator can restore them.',
    'expire.effect.grace': 'Purged for good after the grace period. Until then an operator can restore them.',
    'expire.effect.audit': 'Recorded in the audit log under your name.',
    'expire.filter': 'They are all that match this filter:',
    'expire.filter.everything': 'No filter: every active conversation of every user.',
    'expire.type': 'Type {count} to confirm',
    'expire.type.mismatch': 'This is not {count}.',
    'expire.changed': 'The number has changed in the meantime. Look at the new counts and confirm again.',
    'expire.do.one': 'Expire {count} conversation',
    'expire.do.other': 'Expire {count} conversations',
    'expire.done.one': '{count} conversation expired; purged {time}.',
    'expire.done.other': '{count} conversations expired; purged {time}.',
    'restore.done.one': '{count} conversation restored.',
    'restore.done.other': '{count} conversations restored.',
  },
  ja: {
    'expire.title': '会話の失効',
    'expire.counting': '失効の対象を数えています…',
    'expire.nothing': '失効の対象がありません。有効な会話が選ばれていません。',
    'expire.count': '{conversations}、{messages}を失効させます。',
    'expire.conversations.one': '{count} 件の会話',
    'expire.conversations.other': '{count} 件の会話',
    'expire.messages.one': '{count} 件のメッセージ',
    'expire.messages.other': '{count} 件のメッセージ',
    'expire.effect.now': 'ただちに利用者から見えなくなります。生成中の回答は終了します。',
    'expire.effect.purgeAt': '{time} 以降に完全に削除されます。それまでは運用者が復元できます。',
    'expire.effect.grace': '猶予期間の後に完全に削除されます。それまでは運用者が復元できます。',
    'expire.effect.audit': 'あなたの名前で監査記録に残ります。',
    'expire.filter': '次の絞り込みに一致するすべてです:',
    'expire.filter.everything': '絞り込みなし: 全員の有効な会話すべてが対象です。',
    'expire.type': '確認のため {count} と入力してください',
    'expire.type.mismatch': '{count} ではありません。',
    'expire.changed': '件数がその間に変わりました。新しい件数を確かめて、もう一度確認してください。',
    'expire.do.one': '{count} 件の会話を失効',
    'expire.do.other': '{count} 件の会話を失効',
    'expire.done.one': '{count} 件の会話を失効させました。完全削除は {time} です。',
    'expire.done.other': '{count} 件の会話を失効させました。完全削除は {time} です。',
    'restore.done.one': '{count} 件の会話を復元しました。',
    'restore.done.other': '{count} 件の会話を復元しました。',
  },
});
