/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Words of the review of feedback. */

import { defineMessages } from '../../shared/i18n.js';

defineMessages({
  en: {
    'nav.feedback': 'Feedback',
    'feedback.lead': 'What users said of answers, newest first. The title leads to the answer it is about.',
    'feedback.note': 'Comments are content: each look is recorded in the audit log.',
    'feedback.export': 'Export the conversations',
    'feedback.col.rating': 'Rating',
    'feedback.col.about': 'Conversation',
    'feedback.col.comment': 'Comment',
    'feedback.col.at': 'Given',
    'feedback.empty': 'No feedback yet',
    'feedback.empty.detail': 'It appears when users rate answers.',
    'feedback.emptyFilter': 'No feedback matches',
    'audit.action.feedback.read': 'Looked at feedback',
  },
  ja: {
    'nav.feedback': '評価',
    'feedback.lead': '回答に対するユーザーの評価です（新しい順）。題名から評価された回答へ移動できます。',
    'feedback.note': 'コメントは内容に当たるため、閲覧は監査記録に残ります。',
    'feedback.export': '該当する会話を書き出す',
    'feedback.col.rating': '評価',
    'feedback.col.about': '会話',
    'feedback.col.comment': 'コメント',
    'feedback.col.at': '評価日時',
    'feedback.empty': 'まだ評価はありません',
    'feedback.empty.detail': 'ユーザーが回答を評価すると、ここに表示されます。',
    'feedback.emptyFilter': '条件に合う評価はありません',
    'audit.action.feedback.read': '評価を閲覧',
  },
});
