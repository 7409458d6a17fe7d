/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* What is asked before a user is made, invited or changed. */

import { el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { isolate, t } from '../shared/i18n.js';
import { confirmDialog, toast } from '../shared/notify.js';
import { changeUser, createUser, endUserSessions, inviteUser, resetPassword, resetSecondFactor } from './endpoints.js';
import { roleName } from './entrance.js';
import { askByForm } from './form_dialog.js';
import { forget } from './memory.js';
import { ROLES } from './roles.js';
import { hrefFor, navigate } from './router.js';
import { showInvitation, showPassword } from './shown_once.js';
import { plainUserText } from './user_text.js';
import { tCount } from './words_for.js';

const NAME_LENGTH = 64;

/** Asks for name, role and the way in, makes the user, shows the invitation or the password, and goes to the user's screen. */
export function createUserByDialog() {
  const name = el('input', {
    class: 'input',
    id: 'new-user-name',
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    aria: { describedby: 'new-user-rule', required: 'true' },
  });
  const roles = roleSelect('new-user-role', 'user');
  const ways = waySelect();
  askByForm({
    title: t('users.new'),
    fields: [
      el(
        'div',
        { class: 'field' },
        el('label', { for: 'new-user-name' }, t('users.col.name')),
        name,
        el('p', { class: 'muted field-note', id: 'new-user-rule' }, t('users.new.rule')),
      ),
      roles.node,
      ways.node,
    ],
    submitLabel: t('users.new.do'),
    small: true,
    check: () => (isName(name.value.trim()) ? '' : t('users.new.badName')),
    judged: name,
    send: () => createUser(name.value.trim(), roles.select.value, ways.select.value === 'invitation'),
    onDone: (made) => {
      forget('users');
      forget('home');
      const done = () => navigate(hrefFor('users', { name: made.name }));
      if (made.invitation) {
        showInvitation(made.name, made.invitation, done);
      } else {
        showPassword(made.name, made.password, done);
      }
    },
  });
}

/**
 * Asks for another role and gives it.
 * @param {{name: string, role: string}} user
 * @param {function(): void} onDone called after the change
 */
export function changeRoleByDialog(user, onDone) {
  const roles = roleSelect('change-role', user.role);
  askByForm({
    title: t('user.role.title', { name: named(user) }),
    fields: [roles.node, el('p', { class: 'muted' }, t('user.role.effect'))],
    submitLabel: t('user.role.do'),
    small: true,
    check: () => (roles.select.value === user.role ? t('user.role.same') : ''),
    judged: roles.select,
    send: () => changeUser(user.name, { role: roles.select.value }),
    onDone: (changed) => {
      toast({ text: t('user.role.done', { name: named(user), role: roleName(changed.role) }), kind: 'success' });
      onDone();
    },
  });
}

/**
 * Asks, then sets a random password and shows it.
 * @param {{name: string}} user
 * @param {function(): void} onDone called when the password was put away
 */
export async function resetPasswordByDialog(user, onDone) {
  const yes = await confirmDialog({
    title: t('user.password.title', { name: named(user) }),
    body: t('user.password.detail'),
    confirmLabel: t('user.password.do'),
    danger: true,
  });
  if (yes) {
    await attempt(async () => {
      const { password } = await resetPassword(user.name);
      showPassword(user.name, password, onDone);
    });
  }
}

/** Asks, then invites somebody who is there, and shows the address. @param {{name: string}} user @param {function(): void} onDone */
export async function inviteByDialog(user, onDone) {
  const yes = await confirmDialog({
    title: t('user.invite.title', { name: named(user) }),
    body: t('user.invite.detail'),
    confirmLabel: t('user.invite.do'),
  });
  if (yes) {
    await attempt(async () => {
      const { invitation } = await inviteUser(user.name);
      showInvitation(user.name, invitation, onDone);
    });
  }
}

/** Asks, then takes the second factor away. @param {{name: string}} user @param {function(): void} onDone */
export async function resetFactorByDialog(user, onDone) {
  const yes = await confirmDialog({
    title: t('user.factor.title', { name: named(user) }),
    body: t('user.factor.detail'),
    confirmLabel: t('user.factor.do'),
    danger: true,
  });
  if (yes) {
    await attempt(async () => {
      await resetSecondFactor(user.name);
      toast({ text: t('user.factor.done', { name: named(user) }), kind: 'success' });
      onDone();
    });
  }
}

/** Asks, then disables. @param {{name: string}} user @param {function(): void} onDone */
export async function disableByDialog(user, onDone) {
  const yes = await confirmDialog({
    title: t('user.disable.title', { name: named(user) }),
    body: t('user.disable.detail'),
    confirmLabel: t('user.disable'),
    danger: true,
  });
  if (yes) {
    await attempt(async () => {
      await changeUser(user.name, { disabled: true });
      toast({
        text: t('user.disable.done', { name: named(user) }),
        kind: 'success',
        action: { label: t('console.undo'), onClick: () => enable(user, onDone) },
      });
      onDone();
    });
  }
}

/** Enables; nothing is lost by it, so nothing is asked. @param {{name: string}} user @param {function(): void} onDone */
export function enable(user, onDone) {
  return attempt(async () => {
    await changeUser(user.name, { disabled: false });
    toast({ text: t('user.enable.done', { name: named(user) }), kind: 'success' });
    onDone();
  });
}

/** Asks, then ends all sessions of a user. @param {{name: string}} user @param {function(): void} onDone */
export async function endSessionsByDialog(user, onDone) {
  const yes = await confirmDialog({
    title: t('user.sessions.title', { name: named(user) }),
    body: t('user.sessions.detail'),
    confirmLabel: t('user.sessions.endAll'),
    danger: true,
  });
  if (yes) {
    await attempt(async () => {
      const { sessions } = await endUserSessions(user.name);
      toast({ text: tCount('sessions.done', sessions), kind: 'success' });
      onDone();
    });
  }
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    toast({ text: describeError(error), kind: 'error' });
  }
}

function named(user) {
  return isolate(plainUserText(user.name));
}

/* The server has the last word; this only saves a way there. */
function isName(text) {
  return text !== '' && [...text].length <= NAME_LENGTH && !text.includes('/') && text !== '.' && text !== '..';
}

/* A choice of roles, with what the chosen one may do. */
function roleSelect(id, chosen) {
  return explainedSelect(id, t('users.col.role'), ROLES, roleName, (role) => t(`role.${role}.may`), chosen);
}

/* How somebody new gets in. */
function waySelect() {
  const ways = ['invitation', 'password'];
  return explainedSelect('new-user-way', t('users.new.way'), ways, (way) => t(`users.new.way.${way}`), (way) => t(`users.new.${way}`), ways[0]);
}

/* A choice with a sentence on what was chosen. */
function explainedSelect(id, label, options, nameOf, explanationOf, chosen) {
  const words = el('p', { class: 'muted field-note', id: `${id}-may`, role: 'status' });
  const select = el(
    'select',
    { class: 'input', id, aria: { describedby: words.id } },
    options.map((option) => el('option', { value: option }, nameOf(option))),
  );
  const explain = () => replaceChildren(words, explanationOf(select.value));
  select.value = chosen;
  select.addEventListener('change', explain);
  explain();
  return { select, node: el('div', { class: 'field' }, el('label', { for: id }, label), select, words) };
}
