/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The list of conversations: the filter, the table, the selection and what can be done with it. The address bar is the state. */

import { el, replaceChildren } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { bulkBar } from './bulk_bar.js';
import { apiFilter, filterForm, filterParams, isNarrowed, readFilter } from './conversation_filter.js';
import { columnChoice, conversationColumns, conversationName } from './conversation_columns.js';
import { listConversations } from './endpoints.js';
import { exportLink } from './export_link.js';
import { emptyBox, loadInto } from './loading.js';
import { forget, keep, recall } from './memory.js';
import { pagedList } from './paged_list.js';
import { may } from './roles.js';
import { hrefFor, navigate } from './router.js';
import { screenHeader } from './screen_header.js';
import { Selection } from './selection.js';
import { dataTable } from './table.js';
import { viewBar } from './views.js';

const PAGE_SIZE = 50;

/**
 * @param {HTMLElement} host
 * @param {{params: URLSearchParams, role: string, restored: boolean, signal: AbortSignal}} context
 */
export function showConversations(host, context) {
  const { params, role, signal } = context;
  const filter = readFilter(params, role);
  const key = JSON.stringify(filter);
  const list = el('div', { class: 'list-host' });
  const screen = { filter, key, role, signal, list };
  const query = hrefFor('conversations', filterParams(filter)).replace(/^\?view=conversations&?/, '');
  replaceChildren(
    host,
    screenHeader(
      t('nav.conversations'),
      t('list.lead'),
      columnChoice(filter.cols, (cols) => navigate(hrefFor('conversations', filterParams({ ...filter, cols })))),
      may(role, 'export') && exportLink({ filter: apiFilter(filter) }, t('export.filter')),
    ),
    viewBar({ role, query, signal }),
    filterForm(filter, role, (wanted) => navigate(hrefFor('conversations', filterParams(wanted)))),
    list,
  );
  const before = context.restored ? recall('conversations', key) : null;
  if (before) {
    before.selection.silence();
    replaceChildren(list, drawList(screen, before));
  } else {
    load(screen);
  }
}

function load(screen) {
  loadInto(screen.list, { load: () => loadFirst(screen), draw: (kept) => drawList(screen, kept), signal: screen.signal });
}

async function loadFirst(screen) {
  const kept = { pages: await loadPage(screen, null), selection: new Selection() };
  keep('conversations', screen.key, kept);
  return kept;
}

async function loadPage({ filter, signal }, after) {
  const page = await listConversations({ ...apiFilter(filter), sort: filter.sort, order: filter.order, after, limit: PAGE_SIZE }, signal);
  return { rows: page.conversations, next: page.next, estimate: page.estimate };
}

function drawList(screen, { pages, selection }) {
  const { filter, role } = screen;
  if (pages.rows.length === 0) {
    return emptyList(filter);
  }
  const reload = () => {
    forget('conversations');
    load(screen);
  };
  const selectable = may(role, 'expire') || may(role, 'export');
  const bulk = selectable && bulkBar({ selection, pages, filter, reload });
  const table = dataTable({
    caption: t('list.caption'),
    columns: conversationColumns(role, filter),
    idOf: (row) => row.id,
    nameOf: conversationName,
    selection: selectable ? selection : undefined,
  });
  return [
    bulk && bulk.node,
    pagedList({ pages, table, loadPage: (after) => loadPage(screen, after), onRows: () => bulk && bulk.refresh() }),
  ];
}

function emptyList(filter) {
  if (!isNarrowed(filter) && filter.state !== 'trashed') {
    return emptyBox(t('list.empty'), t('list.empty.detail'));
  }
  return emptyBox(
    t('list.emptyFilter'),
    t('list.emptyFilter.detail'),
    el('a', { class: 'button', href: hrefFor('conversations') }, icon('close'), t('list.clear')),
  );
}
