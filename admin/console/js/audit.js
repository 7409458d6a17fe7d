/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The audit log: what operators looked at and did, newest first. */

import { el, replaceChildren } from '../shared/dom.js';
import { hasMessage, t } from '../shared/i18n.js';
import { listAudit } from './endpoints.js';
import { roleName } from './entrance.js';
import { emptyBox, loadInto } from './loading.js';
import { keep, recall } from './memory.js';
import { pagedList } from './paged_list.js';
import { hrefFor, hrefForConversation } from './router.js';
import { screenHeader } from './screen_header.js';
import { dataTable } from './table.js';
import { userText, withMarks } from './user_text.js';
import { dash, timeText } from './words_for.js';

const PAGE_SIZE = 50;

/**
 * @param {HTMLElement} host
 * @param {{restored: boolean, signal: AbortSignal}} context
 */
export function showAudit(host, { restored, signal }) {
  const list = el('div', { class: 'list-host' });
  const loadPage = async (after) => {
    const page = await listAudit({ after, limit: PAGE_SIZE }, signal);
    return { rows: page.entries, next: page.next };
  };
  const draw = (pages) => {
    keep('audit', '', pages);
    return drawEntries(pages, loadPage);
  };
  replaceChildren(host, screenHeader(t('nav.audit'), t('audit.lead')), list);
  const before = restored ? recall('audit', '') : null;
  if (before) {
    replaceChildren(list, draw(before));
  } else {
    loadInto(list, { load: () => loadPage(null), draw, signal });
  }
}

function drawEntries(pages, loadPage) {
  if (pages.rows.length === 0) {
    return emptyBox(t('audit.empty'), t('audit.empty.detail'));
  }
  const table = dataTable({ caption: t('audit.caption'), columns: columns(), idOf: (entry) => String(entry.seq) });
  return pagedList({ pages, table, loadPage });
}

function columns() {
  return [
    { label: t('audit.col.seq'), class: 'number', cell: (entry) => String(entry.seq) },
    { label: t('audit.col.at'), class: 'time', cell: (entry) => timeText(entry.at, { dateStyle: 'medium', timeStyle: 'medium' }) },
    {
      label: t('audit.col.operator'),
      cell: (entry) => [userText(entry.operator), ' ', el('span', { class: 'muted' }, roleName(entry.role))],
    },
    { label: t('audit.col.action'), class: 'primary', cell: actionText },
    {
      label: t('audit.col.object'),
      class: 'object',
      cell: objectText,
      skipOnCard: (entry) => !entry.conversation_id && !entry.target_user,
    },
    {
      label: t('audit.col.reason'),
      class: 'reason',
      cell: (entry) => (entry.reason ? userText(entry.reason) : dash()),
      skipOnCard: (entry) => !entry.reason,
    },
    {
      label: t('audit.col.detail'),
      class: 'detail',
      cell: detailText,
      skipOnCard: (entry) => Object.keys(entry.detail ?? {}).length === 0,
    },
    {
      label: t('audit.col.request'),
      class: 'mono secondary request',
      cell: (entry) => [el('span', null, entry.network ?? ''), ' ', el('span', { class: 'muted' }, entry.request_id ?? '')],
    },
  ];
}

function actionText(entry) {
  const key = `audit.action.${entry.action}`;
  return hasMessage(key) ? [t(key), ' ', el('code', { class: 'muted' }, entry.action)] : el('code', null, entry.action);
}

function objectText(entry) {
  const parts = [
    entry.conversation_id &&
      el(
        'a',
        { class: 'mono', href: hrefForConversation(entry.conversation_id), title: entry.conversation_id },
        `${t('audit.conversation')} ${entry.conversation_id.slice(0, 8)}…`,
      ),
    entry.target_user &&
      el('a', { class: 'quiet-link', href: hrefFor('conversations', { user: entry.target_user }) }, userText(entry.target_user)),
  ].filter(Boolean);
  return parts.length > 0 ? parts.flatMap((part, index) => (index > 0 ? [', ', part] : [part])) : dash();
}

function detailText(entry) {
  const items = Object.entries(entry.detail ?? {});
  return items.length > 0
    ? el(
        'ul',
        { class: 'detail-list' },
        items.map(([name, value]) =>
          el(
            'li',
            null,
            el('span', { class: 'muted' }, `${name}: `),
            el('bdi', { dir: 'auto' }, withMarks(typeof value === 'string' ? value : JSON.stringify(value))),
          ),
        ),
      )
    : dash();
}
