/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What ?shared= shows: somebody's chat as it was shared, to be read, and to be gone on with as one's own. */

import { api } from '../shared/api.js';
import { el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { defineMessages, formatTime, isolate, t } from '../shared/i18n.js';
import { toast } from '../shared/notify.js';
import { plainMessages } from './plain-messages.js';

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

defineMessages({
  en: {
    'plain.question': 'Question',
    'shared.by': 'Shared by {name} on {date}',
    'shared.own': 'To your chats',
    'shared.go_on': 'Go on with a copy',
    'shared.gone': 'This link opens nothing (any more)',
    'shared.failed': 'The shared chat could not be opened',
  },
  ja: {
    'plain.question': '質問',
    'shared.by': '{name} さんが {date} に共有',
    'shared.own': '自分のチャットへ',
    'shared.go_on': 'コピーして続ける',
    'shared.gone': 'このリンクは無効です',
    'shared.failed': '共有されたチャットを開けませんでした',
  },
});

/** The id of the share that the address names, or null. @param {string} search location.search @returns {string|null} */
export function sharedId(search) {
  const id = new URLSearchParams(search).get('shared');
  return id !== null && ID.test(id) ? id : null;
}

/** Reads what is shared. @param {string} id @returns {Promise<HTMLElement>} the page's content */
export async function sharedChat(id) {
  const home = el('a', { class: 'button', href: './' }, t('shared.own'));
  let shared;
  try {
    shared = await api.get(`api/shared/${id}`);
  } catch (error) {
    const gone = error.status === 404;
    document.title = t('page.name');
    return el('main', { class: 'shared' }, el('h1', null, t(gone ? 'shared.gone' : 'shared.failed')), !gone && el('p', { role: 'alert' }, describeError(error)), home);
  }
  const title = shared.title || t('chat.untitled');
  const goOn = el('button', { class: 'button button-primary', type: 'button' }, t('shared.go_on'));
  goOn.addEventListener('click', () => copy(shared, goOn));
  document.title = t('page.title', { title: isolate(title) });
  return el('main', { class: 'shared' },
    el('header', { class: 'shared-head' },
      el('h1', { dir: 'auto' }, title),
      el('p', { class: 'own-note' }, t('shared.by', { name: isolate(shared.user), date: formatTime(shared.created_at, { dateStyle: 'medium' }) })),
      el('p', { class: 'own-buttons' }, goOn, home)),
    plainMessages(shared.messages));
}

/* The key makes a second press find the first one's copy. */
async function copy({ id, title, messages }, button) {
  button.disabled = true;
  try {
    const made = await api.post('api/conversations/import', { key: `share:${id}`, title, messages: messages.map(({ role, content }) => ({ role, content })) });
    location.assign(`./?c=${encodeURIComponent(made.id)}`);
  } catch (error) {
    button.disabled = false;
    toast({ text: describeError(error), kind: 'error' });
  }
}
