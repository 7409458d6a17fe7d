/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The list of the user's own sessions, and ending one or all others. */

import { api } from '../shared/api.js';
import { browserName } from '../shared/browser-name.js';
import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { defineMessages, formatNumber, formatTime, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { confirmDialog, toast } from '../shared/notify.js';

defineMessages({
  en: {
    'sessions.loading': 'Loading…',
    'sessions.failed': 'The list could not be loaded',
    'sessions.again': 'Try again',
    'sessions.this': 'this browser',
    'sessions.unknown': 'Unknown browser',
    'sessions.network': 'Address {network}',
    'sessions.created': 'Logged in {time}',
    'sessions.seen': 'Last used {time}',
    'sessions.end': 'Log out',
    'sessions.end_named': 'Log out: {name}',
    'sessions.ended': '{name} is logged out.',
    'sessions.only': 'You are logged in nowhere else. When you see a browser here that is not yours, log it out and change the password.',
    'sessions.others': 'When one of these is not yours, log it out and change the password.',
    'sessions.end_others': 'Log out everywhere else',
    'sessions.end_others_title': 'Log out everywhere else?',
    'sessions.end_others_body': 'Only this browser stays logged in. Answers that are being written go on.',
    'sessions.ended_others': 'Sessions ended: {count}',
  },
  ja: {
    'sessions.loading': '読み込み中…',
    'sessions.failed': '一覧を読み込めませんでした',
    'sessions.again': '再試行',
    'sessions.this': 'このブラウザー',
    'sessions.unknown': '不明なブラウザー',
    'sessions.network': 'アドレス {network}',
    'sessions.created': 'ログイン {time}',
    'sessions.seen': '最終使用 {time}',
    'sessions.end': 'ログアウト',
    'sessions.end_named': 'ログアウト: {name}',
    'sessions.ended': '{name} をログアウトしました。',
    'sessions.only': '他の場所ではログインしていません。見覚えのないブラウザーが表示されたら、ログアウトさせてパスワードを変更してください。',
    'sessions.others': '見覚えのないものがあれば、ログアウトさせてパスワードを変更してください。',
    'sessions.end_others': '他のすべてをログアウト',
    'sessions.end_others_title': '他のすべてをログアウトしますか？',
    'sessions.end_others_body': 'このブラウザーだけがログインしたままになります。作成中の回答は続きます。',
    'sessions.ended_others': '終了したセッション: {count}',
  },
});

/**
 * The list, empty until it is loaded.
 * @returns {{node: HTMLElement, load: function(): Promise<void>}}
 */
export function ownSessions() {
  const node = el('div', { class: 'own-part' });
  const load = async () => {
    if (node.childElementCount === 0) {
      replaceChildren(node, el('p', { class: 'own-note', role: 'status' }, t('sessions.loading')));
    }
    try {
      const { sessions } = await api.get('api/sessions');
      draw(node, sessions, load);
    } catch (error) {
      const again = el('button', { class: 'button button-small', type: 'button', onclick: load }, t('sessions.again'));
      replaceChildren(node, el('p', { class: 'notice notice-error', role: 'alert' }, `${t('sessions.failed')}: ${describeError(error)}`), again);
    }
  };
  return { node, load };
}

function draw(node, sessions, load) {
  const inOrder = [...sessions].sort((a, b) => Number(b.current) - Number(a.current));
  const others = sessions.length > 1;
  const endOthers = el('button', { class: 'button button-wide', type: 'button', dataset: { endOthers: '' }, onclick: () => endAllOthers(load) }, icon('logout'), t('sessions.end_others'));
  replaceChildren(
    node,
    el('p', { class: 'own-note' }, t(others ? 'sessions.others' : 'sessions.only')),
    el('ul', { class: 'own-sessions' }, inOrder.map((session) => row(session, load))),
    others && endOthers,
  );
}

function nameOf(session) {
  return browserName(session.user_agent) || t('sessions.unknown');
}

function row(session, load) {
  const name = nameOf(session);
  const end = el('button', { class: 'button button-small', type: 'button', dataset: { end: session.ref }, aria: { label: t('sessions.end_named', { name }) } }, t('sessions.end'));
  end.addEventListener('click', () => endOne(session, end, load));
  return el(
    'li',
    { class: 'own-session', aria: { current: session.current ? 'true' : null } },
    el(
      'div',
      { class: 'own-session-text' },
      el('span', { class: 'own-browser', title: session.user_agent ?? '' }, name, session.current && el('span', { class: 'badge badge-success' }, t('sessions.this'))),
      el('span', { class: 'own-note' }, t('sessions.created', { time: formatTime(session.created_at) })),
      el('span', { class: 'own-note' }, t('sessions.seen', { time: formatTime(session.last_seen_at) })),
      session.network && el('span', { class: 'own-note' }, t('sessions.network', { network: session.network })),
    ),
    !session.current && end,
  );
}

/* One that has ended by itself meanwhile (404) is what was wanted. */
async function endOne(session, button, load) {
  button.disabled = true;
  try {
    await api.del(`api/sessions/${encodeURIComponent(session.ref)}`);
  } catch (error) {
    if (error.status !== 404) {
      button.disabled = false;
      toast({ text: describeError(error), kind: 'error' });
      return;
    }
  }
  toast({ text: t('sessions.ended', { name: nameOf(session) }), kind: 'success' });
  await load();
}

async function endAllOthers(load) {
  const yes = await confirmDialog({ title: t('sessions.end_others_title'), body: t('sessions.end_others_body'), confirmLabel: t('sessions.end_others'), danger: true });
  if (!yes) {
    return;
  }
  try {
    const done = await api.del('api/sessions');
    toast({ text: t('sessions.ended_others', { count: formatNumber(done.sessions) }), kind: 'success' });
    await load();
  } catch (error) {
    toast({ text: describeError(error), kind: 'error' });
  }
}
