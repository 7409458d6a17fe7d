/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* What is asked before something is put on hold, tagged, or released. */

import { el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { toast } from '../shared/notify.js';
import { createMatter, holdIn, listMatters, releaseMatter, tagConversations } from './endpoints.js';
import { askByForm, choice, labelled, listOf } from './form_dialog.js';
import { forget } from './memory.js';
import { hrefFor, navigate } from './router.js';
import { tCount } from './words_for.js';

const NEW = 'new';

/** Asks for a name, a reason and custodians, and goes to the matter made. */
export function createMatterByDialog() {
  const parts = newMatterFields();
  const users = el('textarea', { class: 'input', id: 'matter-users', rows: '3', autocapitalize: 'none', spellcheck: 'false' });
  askByForm({
    title: t('holds.new'),
    fields: [...parts.fields, labelled(t('holds.users'), users, t('holds.users.note')), el('p', { class: 'muted' }, t('holds.effect'))],
    submitLabel: t('holds.new.do'),
    check: parts.check,
    send: () => createMatter({ ...parts.value(), ...usersOf(users) }),
    onDone: (matter) => {
      forgetHeld();
      toast({ text: t('holds.made'), kind: 'success' });
      navigate(hrefFor('holds', { matter: matter.id }));
    },
  });
}

/**
 * Adds custodians to a matter.
 * @param {Object} matter
 * @param {function(): void} onDone
 */
export function addUsersByDialog(matter, onDone) {
  const users = el('textarea', { class: 'input', id: 'matter-users', rows: '3', autocapitalize: 'none', spellcheck: 'false' });
  askByForm({
    title: t('holds.addUsers'),
    fields: [labelled(t('holds.users'), users, t('holds.users.note'))],
    submitLabel: t('holds.add.do'),
    check: () => (listOf(users.value).length > 0 ? '' : t('holds.users.needed')),
    send: () => holdIn(matter.id, { users: listOf(users.value) }),
    onDone: () => {
      forgetHeld();
      onDone();
    },
  });
}

/**
 * Puts conversations into an open matter or a new one.
 * @param {{ids: string[]}|{filter: Object}} target
 * @param {function(): void} onDone
 */
export async function holdByDialog(target, onDone) {
  const { matters } = await listMatters({ state: 'open', limit: 200 }).catch(() => ({ matters: [] }));
  const select = choice('hold-matter', [...matters.map((matter) => [matter.id, matter.name]), [NEW, t('holds.newOne')]], matters[0]?.id ?? NEW);
  const parts = newMatterFields();
  const fresh = el('div', { class: 'dialog-form' }, parts.fields);
  const show = () => {
    fresh.hidden = select.value !== NEW;
  };
  select.addEventListener('change', show);
  show();
  askByForm({
    title: t('holds.hold.title'),
    fields: [labelled(t('holds.matter'), select), fresh, el('p', { class: 'muted' }, t('holds.effect'))],
    submitLabel: t('holds.hold.do'),
    check: () => (select.value === NEW ? parts.check() : ''),
    send: () => (select.value === NEW ? createMatter({ ...parts.value(), ...target }) : holdIn(select.value, target)),
    onDone: (matter) => {
      forgetHeld();
      toast({
        text: t('holds.held', { name: matter.name }),
        kind: 'success',
        action: { label: t('holds.show'), onClick: () => navigate(hrefFor('holds', { matter: matter.id })) },
      });
      onDone();
    },
  });
}

/**
 * Asks for a reason and releases a matter.
 * @param {Object} matter
 * @param {function(): void} onDone
 */
export function releaseByDialog(matter, onDone) {
  const reason = textInput('release-reason', 300);
  askByForm({
    title: t('holds.release.title', { name: matter.name }),
    fields: [el('p', null, t('holds.release.effect')), labelled(t('holds.reason'), reason)],
    submitLabel: t('holds.release.do'),
    danger: true,
    check: () => (reason.value.trim() ? '' : t('holds.reason.needed')),
    send: () => releaseMatter(matter.id, reason.value.trim()),
    onDone: () => {
      forgetHeld();
      toast({ text: t('holds.released'), kind: 'success' });
      onDone();
    },
  });
}

/**
 * Puts tags on conversations and takes others off.
 * @param {string[]} ids
 * @param {string[]} present tags that some of them have
 * @param {function(): void} onDone
 */
export function tagByDialog(ids, present, onDone) {
  const add = textInput('tags-add', 500);
  const remove = textInput('tags-remove', 500, present.join(', '));
  askByForm({
    title: t('tags.title'),
    fields: [
      labelled(t('tags.add'), add, t('tags.note')),
      present.length > 0 && labelled(t('tags.remove'), remove, t('tags.present', { tags: present.join(', ') })),
    ],
    submitLabel: t('tags.do'),
    check: () => (listOf(add.value).length + listOf(remove.value).length > 0 ? '' : t('tags.needed')),
    send: () => tagConversations(ids, listOf(add.value), listOf(remove.value)),
    onDone: ({ conversations }) => {
      forgetHeld();
      toast({ text: tCount('tags.done', conversations), kind: 'success' });
      onDone();
    },
  });
}

function newMatterFields() {
  const name = textInput('matter-name', 200);
  const reason = textInput('matter-reason', 300);
  return {
    fields: [labelled(t('holds.name'), name), labelled(t('holds.reason'), reason, t('holds.reason.note'))],
    check: () => (name.value.trim() && reason.value.trim() ? '' : t('holds.new.needed')),
    value: () => ({ name: name.value.trim(), reason: reason.value.trim() }),
  };
}

function textInput(id, maxlength, placeholder = '') {
  return el('input', { class: 'input', id, maxlength: String(maxlength), autocomplete: 'off', placeholder });
}

function usersOf(area) {
  const users = listOf(area.value);
  return users.length > 0 ? { users } : {};
}

function forgetHeld() {
  forget('conversations');
  forget('transcript');
  forget('home');
  forget('holds');
}
