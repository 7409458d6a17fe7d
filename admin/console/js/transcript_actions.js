/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* What can be done with one conversation from its transcript: copy its address, print, export, expire, restore. Never change its text. */

import { el } from '../shared/dom.js';
import { copyText } from '../shared/clipboard.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { toast } from '../shared/notify.js';
import { expireByDialog, restoreByIds } from './expire.js';
import { exportLink } from './export_link.js';
import { holdByDialog, tagByDialog } from './matter_dialogs.js';
import { may } from './roles.js';
import { hrefForConversation } from './router.js';

/**
 * @param {Object} conversation
 * @param {{role: string}} screen
 * @param {function(): void} reload called after the conversation has changed
 * @returns {(Node|false)[]}
 */
export function transcriptActions(conversation, { role }, reload) {
  const { id, state } = conversation;
  const trashed = state === 'trashed' || Boolean(conversation.trashed_at);
  return [
    button('copy', t('transcript.copyLink'), () => copyLink(id)),
    button(null, t('transcript.print'), () => window.print()),
    may(role, 'export') && exportLink({ ids: [id] }, t('transcript.export')),
    may(role, 'hold') && button('pin', t('bulk.hold'), () => holdByDialog({ ids: [id] }, reload)),
    may(role, 'expire') && button(null, t('bulk.tag'), () => tagByDialog([id], conversation.tags ?? [], reload)),
    may(role, 'expire') &&
      !trashed &&
      button('trash', t('bulk.expire'), () => expireByDialog({ ids: [id] }, null, reload), 'button-danger'),
    may(role, 'expire') && trashed && button('restore', t('bulk.restore'), () => restoreByIds([id], reload)),
  ];
}

function button(name, label, onclick, kind = '') {
  return el('button', { class: `button button-small ${kind}`, type: 'button', onclick }, name && icon(name), label);
}

async function copyLink(id) {
  const copied = await copyText(new URL(hrefForConversation(id), location.href).href.replace(/#.*$/, ''));
  toast({ text: t(copied ? 'console.copied' : 'console.copyFailed'), kind: copied ? 'success' : 'error' });
}
