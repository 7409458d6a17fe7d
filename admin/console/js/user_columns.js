/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* What a list and a screen show of a user. */

import { el } from '../shared/dom.js';
import { formatNumber, t } from '../shared/i18n.js';
import { roleName } from './entrance.js';
import { hrefFor } from './router.js';
import { plainUserText, userText } from './user_text.js';
import { timeText } from './words_for.js';

/** The columns of the list of users. @returns {import('./table.js').Column[]} */
export function userColumns() {
  return [
    {
      label: t('users.col.name'),
      class: 'primary',
      cell: (user) => el('a', { class: 'title-link', href: hrefFor('users', { name: user.name }) }, userText(user.name)),
    },
    { label: t('users.col.role'), class: 'brief', cell: (user) => roleName(user.role) },
    { label: t('users.col.state'), class: 'state', cell: stateBadge, skipOnCard: (user) => !user.disabled },
    { label: t('users.col.conversations'), class: 'number', cell: conversationsLink },
    { label: t('users.col.lastLogin'), class: 'time', cell: lastLogin },
    { label: t('users.col.created'), class: 'time', cell: (user) => timeText(user.created_at) },
  ];
}

/** The badge of a user's state. @param {{disabled: boolean}} user @returns {HTMLElement} */
export function stateBadge(user) {
  return user.disabled
    ? el('span', { class: 'badge badge-error' }, t('users.disabled'))
    : el('span', { class: 'badge badge-success' }, t('users.enabled'));
}

/** The number of a user's conversations as a link to them. @param {Object} user @returns {HTMLElement} */
export function conversationsLink(user) {
  const count = formatNumber(user.conversations);
  return user.conversations > 0
    ? el(
        'a',
        {
          href: hrefFor('conversations', { user: user.name }),
          aria: { label: `${count} · ${t('users.show', { name: plainUserText(user.name) })}` },
        },
        count,
      )
    : el('span', { class: 'muted' }, count);
}

/** When a user logged in last. @param {Object} user @returns {HTMLElement} */
export function lastLogin(user) {
  return user.last_login_at ? timeText(user.last_login_at) : el('span', { class: 'muted' }, t('console.never'));
}
