/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The list of users. It comes as a whole, so a part of a name is found at once. */

import { el, replaceChildren } from '../shared/dom.js';
import { formatNumber, t } from '../shared/i18n.js';
import { listUsers } from './endpoints.js';
import { roleName } from './entrance.js';
import { emptyBox, loadInto } from './loading.js';
import { keep, recall } from './memory.js';
import { hrefFor, rewrite } from './router.js';
import { screenHeader } from './screen_header.js';
import { dataTable } from './table.js';
import { plainUserText, userText } from './user_text.js';
import { tCount, timeText } from './words_for.js';

/**
 * @param {HTMLElement} host
 * @param {{params: URLSearchParams, restored: boolean, signal: AbortSignal}} context
 */
export function showUsers(host, { params, restored, signal }) {
  const list = el('div', { class: 'list-host' });
  const find = el('input', {
    class: 'input input-small',
    type: 'search',
    id: 'users-find',
    value: params.get('name') ?? '',
    placeholder: t('users.find.placeholder'),
    autocapitalize: 'none',
    autocomplete: 'off',
    spellcheck: 'false',
    dataset: { search: '' },
  });
  const shown = { users: restored ? recall('users', '') : null };
  replaceChildren(
    host,
    screenHeader(t('nav.users'), t('users.lead')),
    el(
      'form',
      { class: 'filter-bar', role: 'search', onsubmit: (event) => event.preventDefault() },
      el('div', { class: 'field field-q' }, el('label', { for: 'users-find' }, t('users.find')), find),
    ),
    list,
  );
  find.addEventListener('input', () => {
    rewrite(hrefFor('users', { name: find.value.trim() }));
    if (shown.users) {
      replaceChildren(list, drawUsers(shown.users, find.value.trim()));
    }
  });
  if (shown.users) {
    replaceChildren(list, drawUsers(shown.users, find.value.trim()));
    return;
  }
  loadInto(list, {
    load: async () => (await listUsers(signal)).users,
    draw: (users) => {
      shown.users = users;
      keep('users', '', users);
      return drawUsers(users, find.value.trim());
    },
    signal,
  });
}

function drawUsers(users, part) {
  if (users.length === 0) {
    return emptyBox(t('users.empty'), t('users.empty.detail'));
  }
  const wanted = fold(part);
  const found = users.filter((user) => fold(user.name).includes(wanted));
  if (found.length === 0) {
    return emptyBox(t('users.noMatch'), t('users.noMatch.detail'));
  }
  const table = dataTable({ caption: t('users.caption'), columns: columns(), idOf: (user) => user.name });
  table.addRows(found);
  return el(
    'div',
    { class: 'paged-list' },
    table.node,
    el('div', { class: 'list-foot' }, el('p', { class: 'muted', role: 'status' }, tCount('console.shown', found.length))),
  );
}

function columns() {
  return [
    { label: t('users.col.name'), class: 'primary', cell: (user) => userText(user.name, { class: 'name' }) },
    { label: t('users.col.role'), class: 'brief', cell: (user) => roleName(user.role) },
    { label: t('users.col.state'), class: 'state', cell: stateBadge, skipOnCard: (user) => !user.disabled },
    { label: t('users.col.conversations'), class: 'number', cell: conversationsLink },
    {
      label: t('users.col.lastLogin'),
      class: 'time',
      cell: (user) => (user.last_login_at ? timeText(user.last_login_at) : el('span', { class: 'muted' }, t('console.never'))),
    },
    { label: t('users.col.created'), class: 'time', cell: (user) => timeText(user.created_at) },
  ];
}

function stateBadge(user) {
  return user.disabled
    ? el('span', { class: 'badge badge-error' }, t('users.disabled'))
    : el('span', { class: 'badge badge-success' }, t('users.enabled'));
}

function conversationsLink(user) {
  const count = formatNumber(user.conversations);
  return user.conversations > 0
    ? el(
        'a',
        {
          href: hrefFor('conversations', { user: user.name }),
          aria: { label: `${t('users.show', { name: plainUserText(user.name) })} (${count})` },
        },
        count,
      )
    : el('span', { class: 'muted' }, count);
}

/* Width, case and composition of letters do not matter when somebody looks for a name. */
function fold(text) {
  return text.normalize('NFKC').toLocaleLowerCase();
}
