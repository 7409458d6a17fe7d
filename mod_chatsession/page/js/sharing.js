/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Links by which others who log in here read one chat: made for the branch that is shown, listed, ended. */

import { api } from '../shared/api.js';
import { copyText } from '../shared/clipboard.js';
import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { defineMessages, formatTime, isolate, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { openDialog, toast } from '../shared/notify.js';

defineMessages({
  en: {
    'share.menu': 'Share',
    'share.title': 'Share this chat',
    'share.text': 'Everybody who can log in here and has the link reads this chat as it stands now: the version that you see, nothing that comes later. You can end the link at any time.',
    'share.make': 'Make a link',
    'share.link': 'The link',
    'share.copy': 'Copy',
    'share.copied': 'The link is copied.',
    'share.copy_failed': 'The link could not be copied; mark it and copy it by hand.',
    'share.mine': 'Shared chats',
    'share.mine_text': 'Whoever logs in here and has the link reads these.',
    'share.none': 'You share no chat.',
    'share.since': 'Shared {time}',
    'share.end': 'End',
    'share.end_named': 'End the link to “{title}”',
    'share.ended': 'The link to “{title}” opens nothing any more.',
    'error.sharing_off': 'This site offers no links to chats.',
    'error.too_many_shares': 'You share as many chats as one user may. End one first.',
  },
  ja: {
    'share.menu': '共有',
    'share.title': 'このチャットを共有',
    'share.text': 'ここにログインできてリンクを知っている人は、現在の内容（表示中の版）を読めます。この後のメッセージは含まれません。リンクはいつでも無効にできます。',
    'share.make': 'リンクを作成',
    'share.link': 'リンク',
    'share.copy': 'コピー',
    'share.copied': 'リンクをコピーしました。',
    'share.copy_failed': 'コピーできませんでした。リンクを選択して手動でコピーしてください。',
    'share.mine': '共有中のチャット',
    'share.mine_text': 'ここにログインできてリンクを知っている人が読めます。',
    'share.none': '共有中のチャットはありません。',
    'share.since': '共有 {time}',
    'share.end': '無効にする',
    'share.end_named': '「{title}」へのリンクを無効にする',
    'share.ended': '「{title}」へのリンクを無効にしました。',
    'error.sharing_off': 'このサイトではチャットへのリンクを利用できません。',
    'error.too_many_shares': '共有できるチャットの数が上限に達しています。先に 1 つ無効にしてください。',
  },
});

/**
 * Offers a link to the branch that ends with a message.
 * @param {string} conversationId
 * @param {string} messageId
 */
export function showSharing(conversationId, messageId) {
  const make = el('button', { class: 'button button-primary', type: 'button' }, t('share.make'));
  const result = el('div', { class: 'own-made', role: 'status' });
  openDialog({ title: t('share.title'), content: [el('p', { class: 'own-note' }, t('share.text')), result, el('div', { class: 'dialog-actions' }, make)], class: 'dialog-small' });
  make.addEventListener('click', async () => {
    make.disabled = true;
    try {
      const share = await api.post(`api/conversations/${conversationId}/share`, { message_id: messageId });
      replaceChildren(result, ...linkField(share.id));
      make.hidden = true;
      result.querySelector('button').focus();
    } catch (error) {
      make.disabled = false;
      replaceChildren(result, el('p', { class: 'notice notice-error' }, describeError(error)));
    }
  });
}

function linkField(id) {
  const field = el('input', { class: 'input', readOnly: true, value: linkOf(id), dir: 'ltr', aria: { label: t('share.link') } });
  field.addEventListener('focus', () => field.select());
  return [field, el('div', { class: 'dialog-actions' }, el('button', { class: 'button', type: 'button', onclick: () => copyLink(id) }, icon('copy'), t('share.copy')))];
}

async function copyLink(id) {
  const copied = await copyText(linkOf(id));
  toast(copied ? { text: t('share.copied'), kind: 'success' } : { text: t('share.copy_failed'), kind: 'error' });
}

function linkOf(id) {
  return new URL(`?shared=${id}`, document.baseURI).href;
}

/** The list of one's own, empty until it is loaded. @returns {{node: HTMLElement, load: function(): Promise<void>}} */
export function ownShares() {
  const node = el('div', { class: 'own-part' });
  const load = async () => {
    try {
      const { shares } = await api.get('api/shares');
      replaceChildren(node,
        el('p', { class: 'own-note' }, t(shares.length > 0 ? 'share.mine_text' : 'share.none')),
        shares.length > 0 && el('ul', { class: 'own-sessions' }, shares.map((share) => row(share, load))));
    } catch (error) {
      replaceChildren(node, el('p', { class: 'notice notice-error', role: 'alert' }, describeError(error)));
    }
  };
  return { node, load };
}

function row(share, load) {
  const title = share.title || t('chat.untitled');
  const copy = el('button', { class: 'icon-button', type: 'button', title: t('share.copy'), aria: { label: t('share.copy') }, onclick: () => copyLink(share.id) }, icon('copy'));
  const end = el('button', { class: 'button button-small', type: 'button', dataset: { endShare: share.id }, aria: { label: t('share.end_named', { title: isolate(title) }) } }, t('share.end'));
  end.addEventListener('click', async () => {
    end.disabled = true;
    try {
      await api.del(`api/shares/${share.id}`);
      toast({ text: t('share.ended', { title: isolate(title) }), kind: 'success' });
    } catch (error) {
      toast({ text: describeError(error), kind: 'error' });
    }
    await load();
  });
  return el('li', { class: 'own-session' },
    el('div', { class: 'own-session-text' },
      el('a', { class: 'own-browser', href: linkOf(share.id) }, el('bdi', null, title)),
      el('span', { class: 'own-note' }, t('share.since', { time: formatTime(share.created_at) }))),
    copy, end);
}
