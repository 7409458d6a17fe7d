/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* Erasing a person: what would go is counted and shown, its number typed, and the certificate handed out. */

import { el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { formatNumber, isolate, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { openDialog, toast } from '../shared/notify.js';
import { certificateUrl, eraseUser, previewErasure } from './endpoints.js';
import { askByForm, labelled } from './form_dialog.js';
import { forget } from './memory.js';
import { whenFresh } from './reauthenticate.js';
import { hrefFor, navigate } from './router.js';
import { plainUserText } from './user_text.js';

/** Counts, asks, erases. @param {{name: string}} user */
export function eraseByDialog(user) {
  whenFresh(async () => {
    try {
      ask(user, await previewErasure(user.name));
    } catch (error) {
      toast({ text: describeError(error), kind: 'error' });
    }
  });
}

function ask(user, preview) {
  const { conversations, messages } = preview.removed;
  const name = isolate(plainUserText(user.name));
  if (preview.held) {
    toast({ text: t('user.erase.held', { name }), kind: 'error' });
    return;
  }
  const reason = el('input', { class: 'input', id: 'erase-reason', maxlength: '1000', autocomplete: 'off' });
  const typed = el('input', { class: 'input', id: 'erase-count', inputmode: 'numeric', autocomplete: 'off' });
  askByForm({
    title: t('user.erase.title', { name }),
    fields: [
      el('p', null, t('user.erase.detail')),
      el('dl', { class: 'facts' }, Object.entries(preview.removed).filter(([, count]) => count > 0).map(([what, count]) => el('div', null, el('dt', null, t(`user.erase.of.${what}`)), el('dd', null, formatNumber(count))))),
      labelled(t('user.erase.reason'), reason),
      labelled(t('user.erase.type', { count: String(conversations) }), typed),
    ],
    submitLabel: t('user.erase.do'),
    danger: true,
    check: () => (typed.value.trim() === String(conversations) ? '' : t('user.erase.wrong', { count: String(conversations) })),
    send: () => eraseUser(user.name, { id: preview.id, conversations, messages, ...(reason.value.trim() ? { reason: reason.value.trim() } : {}) }),
    onDone: (answer) => done(name, answer.certificate),
  });
}

function done(name, certificate) {
  ['users', 'sessions', 'home', 'conversations'].forEach(forget);
  const link = el('a', { class: 'button button-primary', href: certificateUrl(certificate.user_id), download: '' }, icon('download'), t('user.erase.certificate'));
  const close = el('button', { class: 'button', type: 'button', onclick: () => dialog.close('') }, t('user.password.shown.done'));
  const dialog = openDialog({
    title: t('user.erase.done', { name }),
    content: [el('p', null, t('user.erase.stays')), el('p', { class: 'mono' }, certificate.user_id), el('div', { class: 'dialog-actions' }, close, link)],
    class: 'dialog-small',
    onClose: () => navigate(hrefFor('users')),
  });
}
