/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Words of the audit log. */

import { defineMessages } from '../../shared/i18n.js';

defineMessages({
  en: {
    'audit.lead': 'What operators looked at and did. Entries cannot be changed or deleted here.',
    'audit.caption': 'Audit log',
    'audit.col.seq': 'No.',
    'audit.col.at': 'When',
    'audit.col.operator': 'Operator',
    'audit.col.action': 'Action',
    'audit.col.object': 'Object',
    'audit.col.reason': 'Reason',
    'audit.col.detail': 'Detail',
    'audit.col.request': 'Request',
    'audit.empty': 'Nothing has been recorded yet',
    'audit.empty.detail': 'Entries appear when an operator reads, searches, expires or exports.',
    'audit.conversation': 'Conversation',
    'audit.action.conversation.read': 'Read a conversation',
    'audit.action.conversation.search': 'Searched content',
    'audit.action.conversation.expire': 'Expired conversations',
    'audit.action.conversation.restore': 'Restored conversations',
    'audit.action.conversation.export': 'Exported conversations',
    'audit.action.conversation.inspect': 'Looked at metadata',
    'audit.action.export.complete': 'Export finished',
    'audit.action.session.revoke': 'Ended sessions',
  },
  ja: {
    'audit.lead': '運用担当者の閲覧と操作の記録です。ここから変更や削除はできません。',
    'audit.caption': '監査記録',
    'audit.col.seq': '番号',
    'audit.col.at': '日時',
    'audit.col.operator': '担当者',
    'audit.col.action': '操作',
    'audit.col.object': '対象',
    'audit.col.reason': '理由',
    'audit.col.detail': '詳細',
    'audit.col.request': 'リクエスト',
    'audit.empty': 'まだ記録がありません',
    'audit.empty.detail': '担当者が閲覧・検索・失効・書き出しをすると記録されます。',
    'audit.conversation': '会話',
    'audit.action.conversation.read': '会話を閲覧',
    'audit.action.conversation.search': '内容を検索',
    'audit.action.conversation.expire': '会話を失効',
    'audit.action.conversation.restore': '会話を復元',
    'audit.action.conversation.export': '会話を書き出し',
    'audit.action.conversation.inspect': 'メタデータを閲覧',
    'audit.action.export.complete': '書き出しの完了',
    'audit.action.session.revoke': 'セッションを終了',
  },
});
