/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Why an answer did not complete, in the reader's language: the server keeps a sentence in English with it, and the known ones have words here. */

import { defineMessages, t } from '../shared/i18n.js';

const KNOWN = {
  "The model's server cannot be reached.": 'ending.unreachable',
  "The model's server ended the answer before its end.": 'ending.cut',
  "The model's server reported an error.": 'ending.reported',
  "The model's server sent something that is no chat completion.": 'ending.nonsense',
  "The model's server sent an event that is too long.": 'ending.nonsense',
  "The model's server failed several times in a row and is left alone for a moment.": 'ending.resting',
  'The model fell silent for too long.': 'ending.silent',
  'The answer took too long.': 'ending.slow',
  'The conversation was deleted.': 'ending.deleted',
  'The server was stopped.': 'ending.shutdown',
  'The server is out of memory.': 'ending.memory',
};

defineMessages({
  en: {
    'ending.unreachable': 'The model cannot be reached at the moment.',
    'ending.cut': 'The model broke off before the end of its answer.',
    'ending.reported': 'The model reported an error.',
    'ending.nonsense': 'The model sent something that cannot be read.',
    'ending.resting': 'The model failed several times in a row and is left alone for a moment.',
    'ending.silent': 'The model fell silent for too long.',
    'ending.slow': 'The answer took too long.',
    'ending.deleted': 'The chat was deleted.',
    'ending.shutdown': 'The server was stopped.',
    'ending.memory': 'The server is out of memory.',
  },
  ja: {
    'ending.unreachable': '現在、モデルに接続できません。',
    'ending.cut': 'モデルが回答の途中で切断しました。',
    'ending.reported': 'モデルがエラーを返しました。',
    'ending.nonsense': 'モデルから読み取れないデータが届きました。',
    'ending.resting': 'モデルが続けて失敗したため、しばらく接続を控えています。',
    'ending.silent': 'モデルからの応答が長い間途絶えました。',
    'ending.slow': '回答に時間がかかりすぎました。',
    'ending.deleted': 'チャットが削除されました。',
    'ending.shutdown': 'サーバーが停止しました。',
    'ending.memory': 'サーバーのメモリが不足しています。',
  },
});

/** @param {string|null} [detail] the server's sentence @returns {string} */
export function endingWords(detail) {
  return detail && KNOWN[detail] ? t(KNOWN[detail]) : detail ?? '';
}
