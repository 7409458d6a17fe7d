/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What went wrong, in the reader's words. Known codes have words in every language; for others the server's own sentence is shown. */

import { defineMessages, formatWait, hasMessage, t } from './i18n.js';

defineMessages({
  en: {
    'error.offline': 'The server cannot be reached. Check the network connection and try again.',
    'error.timeout': 'The server took too long to answer. Try again.',
    'error.invalid_response': 'The server sent an answer that this page cannot read. Reload the page, or tell the administrator.',
    'error.unauthenticated': 'Your session has ended. Log in again to go on.',
    'error.invalid_credentials': 'The user name or the password is wrong.',
    'error.forbidden': 'Your account is not allowed to do this.',
    'error.cross_site': 'The request was refused because it seemed to come from another site. Reload the page and try again.',
    'error.not_found': 'This does not exist (any more).',
    'error.payload_too_large': 'The text is too long for the server.',
    'error.unsupported_media_type': 'The server did not accept the kind of data sent. Reload the page and try again.',
    'error.too_many_requests': 'Too many requests.',
    'error.too_many_requests_wait': 'Too many requests. Try again in {wait}.',
    'error.conflict': 'Something else changed this at the same moment. Reload the page and look again.',
    'error.invalid_request': 'The server did not accept this: {detail}',
    'error.limit_reached': 'There are as many of these as there may be. Delete some you no longer need, or start a new chat.',
    'error.unknown_model': 'This model is not offered any more. Choose another one in the settings of the chat.',
    'error.schema_mismatch': 'The server is being updated. Try again shortly.',
    'error.method_not_allowed': 'This page is older than the server. Reload it.',
    'error.too_many_attempts': 'Too many attempts.',
    'error.too_many_attempts_wait': 'Too many attempts. Try again in {wait}.',
    'error.turn_limit': 'As many of your answers are being written as you may have at once. Wait until one is finished.',
    'error.request_limit': 'You have asked as often within a minute as you may.',
    'error.request_limit_wait': 'You have asked as often within a minute as you may. Try again in {wait}.',
    'error.token_limit': 'Your share of the models for today is used up.',
    'error.token_limit_wait': 'Your share of the models for today is used up. Try again in {wait}.',
    'error.streams_busy': 'Very many answers are being written at the moment. Try again shortly.',
    'error.database_unavailable': 'The history cannot be reached at the moment. Nothing is lost; try again shortly.',
    'error.memory_short': 'The server is short of memory at the moment. Nothing is lost; try again shortly.',
    'error.backend_unavailable': 'The language model cannot be reached at the moment. Try again shortly.',
    'error.turn_running': 'Another answer of this chat is still being written.',
    'error.stale_parent': 'This chat went on elsewhere.',
    'error.count_changed': 'The number has changed in the meantime. Look again before you confirm.',
    'error.internal_error': 'Something went wrong on the server.',
    'error.http_502': 'The server behind this site does not answer. Try again shortly.',
    'error.http_503': 'The service is not available at the moment. Try again shortly.',
    'error.http_504': 'The server took too long to answer. Try again.',
    'error.unknown': 'The request failed (status {status}).',
    'error.request': '{words} (request {id})',
  },
  ja: {
    'error.offline': 'サーバーに接続できません。ネットワークを確認して、もう一度お試しください。',
    'error.timeout': 'サーバーの応答に時間がかかりすぎました。もう一度お試しください。',
    'error.invalid_response': 'サーバーの応答を読み取れません。ページを再読み込みするか、管理者に連絡してください。',
    'error.unauthenticated': 'セッションが終了しました。続けるには、もう一度ログインしてください。',
    'error.invalid_credentials': 'ユーザー名またはパスワードが違います。',
    'error.forbidden': 'このアカウントでは許可されていない操作です。',
    'error.cross_site': '別のサイトからの要求と判断され、拒否されました。ページを再読み込みしてお試しください。',
    'error.not_found': '見つかりません。すでに削除された可能性があります。',
    'error.payload_too_large': '文章が長すぎます。',
    'error.unsupported_media_type': '送信した形式が受け付けられませんでした。ページを再読み込みしてお試しください。',
    'error.too_many_requests': '要求が多すぎます。',
    'error.too_many_requests_wait': '要求が多すぎます。{wait}後にもう一度お試しください。',
    'error.conflict': '同時に別の変更がありました。ページを再読み込みして確認してください。',
    'error.invalid_request': 'サーバーに受け付けられませんでした（{detail}）。',
    'error.limit_reached': '数の上限に達しています。不要なものを削除するか、新しいチャットを始めてください。',
    'error.unknown_model': 'このモデルは現在利用できません。チャットの設定で別のモデルを選んでください。',
    'error.schema_mismatch': 'サーバーを更新中です。しばらくしてからお試しください。',
    'error.method_not_allowed': 'このページはサーバーより古い版です。再読み込みしてください。',
    'error.too_many_attempts': '試行回数が多すぎます。',
    'error.too_many_attempts_wait': '試行回数が多すぎます。{wait}後にもう一度お試しください。',
    'error.turn_limit': '同時に作成できる回答の上限に達しています。どれかが終わるまでお待ちください。',
    'error.request_limit': '1 分間に送信できる回数の上限に達しました。',
    'error.request_limit_wait': '1 分間に送信できる回数の上限に達しました。{wait}後にもう一度お試しください。',
    'error.token_limit': '本日のモデル利用枠を使い切りました。',
    'error.token_limit_wait': '本日のモデル利用枠を使い切りました。{wait}後にもう一度お試しください。',
    'error.streams_busy': '現在、多くの回答を作成中です。しばらくしてからお試しください。',
    'error.database_unavailable': '現在、履歴に接続できません。データは失われていません。しばらくしてからお試しください。',
    'error.memory_short': '現在、サーバーのメモリが不足しています。データは失われていません。しばらくしてからお試しください。',
    'error.backend_unavailable': '現在、言語モデルに接続できません。しばらくしてからお試しください。',
    'error.turn_running': 'このチャットでは別の回答を作成中です。',
    'error.stale_parent': 'このチャットは別の場所で先に進んでいます。',
    'error.count_changed': '件数が変わりました。確認してからもう一度実行してください。',
    'error.internal_error': 'サーバーで問題が発生しました。',
    'error.http_502': 'サイトの背後のサーバーが応答しません。しばらくしてからお試しください。',
    'error.http_503': '現在サービスを利用できません。しばらくしてからお試しください。',
    'error.http_504': 'サーバーの応答に時間がかかりすぎました。もう一度お試しください。',
    'error.unknown': '要求に失敗しました（ステータス {status}）。',
    'error.request': '{words}（要求番号 {id}）',
  },
});

/**
 * A sentence for people about a failed call.
 * @param {Error|{code?: string, status?: number, detail?: string, requestId?: string|null, retryAfter?: number|null}} error
 * @returns {string}
 */
export function describeError(error) {
  const { code = '', status = 0, detail = '', requestId = null, retryAfter = null } = error ?? {};
  if (status === 429) {
    const known = hasMessage(`error.${code}`) ? code : 'too_many_requests';
    return retryAfter && hasMessage(`error.${known}_wait`) ? t(`error.${known}_wait`, { wait: formatWait(retryAfter) }) : t(`error.${known}`);
  }
  if (hasMessage(`error.${code}`)) {
    return withRequest(t(`error.${code}`, { detail }), status, requestId);
  }
  return withRequest(detail || t('error.unknown', { status }), status, requestId);
}

/** Whether trying the same call again may help. @param {{status?: number}} error @returns {boolean} */
export function isTransient(error) {
  return error?.name !== 'AbortError' && [0, 408, 425, 429, 500, 502, 503, 504].includes(error?.status ?? -1);
}

/* The request's number helps only where somebody must look into the server's log. */
function withRequest(words, status, id) {
  return status >= 500 && id ? t('error.request', { words, id }) : words;
}
