/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* What can be done with the conversations chosen in the list. Shown only while something is chosen. */

import { el, replaceChildren } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { apiFilter, describeFilter } from './conversation_filter.js';
import { expireByDialog, restoreByIds } from './expire.js';
import { exportLink } from './export_link.js';
import { holdByDialog, tagByDialog } from './matter_dialogs.js';
import { tCount } from './words_for.js';

/**
 * @param {{selection: import('./selection.js').Selection, pages: import('./paged_list.js').Pages,
 *   filter: import('./conversation_filter.js').Filter, reload: function(): void}} options
 * @returns {{node: HTMLElement, refresh: function(): void}}
 */
export function bulkBar(options) {
  const node = el('div', { class: 'bulk-bar', role: 'region', aria: { label: t('bulk.label') } });
  const refresh = () => {
    node.hidden = options.selection.isEmpty;
    keepFocus(node, () => replaceChildren(node, node.hidden ? [] : content(options)));
  };
  options.selection.onChange(refresh);
  refresh();
  return { node, refresh };
}

/* The bar is drawn anew on each change; when its focused button is gone the bar's first one takes over. */
function keepFocus(node, redraw) {
  const hadFocus = node.contains(document.activeElement);
  redraw();
  if (hadFocus && !node.hidden) {
    node.querySelector('button, a')?.focus();
  }
}

function content(options) {
  const { selection, pages, filter } = options;
  const allLoaded = !selection.allMatching && pages.next !== null && selection.size === pages.rows.length;
  const count = selection.allMatching ? t('bulk.allMatching') : tCount('bulk.selected', selection.size);
  return [
    el('p', { class: 'bulk-count', role: 'status' }, count),
    allLoaded &&
      el(
        'button',
        { class: 'button button-small button-quiet', type: 'button', onclick: () => selection.chooseAllMatching() },
        t('bulk.chooseAllMatching'),
      ),
    el('div', { class: 'bulk-actions' }, expireButton(options), restoreButton(options), holdButton(options), tagButton(options), exportAction(selection, filter)),
    el(
      'button',
      { class: 'button button-small button-quiet', type: 'button', onclick: () => selection.clear() },
      icon('close'),
      t('bulk.clear'),
    ),
  ];
}

function expireButton({ selection, filter, reload }) {
  const ids = selection.rows.filter((row) => row.state === 'active').map((row) => row.id);
  const possible = selection.allMatching ? filter.state !== 'trashed' : ids.length > 0;
  const target = selection.allMatching ? { filter: { ...apiFilter(filter), state: 'active' } } : { ids };
  const parts = selection.allMatching ? describeFilter(filter) : null;
  return (
    possible &&
    el(
      'button',
      { class: 'button button-small button-danger', type: 'button', onclick: () => expireByDialog(target, parts, reload) },
      icon('trash'),
      t('bulk.expire'),
    )
  );
}

function holdButton({ selection, filter, reload }) {
  const target = selection.allMatching ? { filter: apiFilter(filter) } : { ids: selection.rows.map((row) => row.id) };
  return el('button', { class: 'button button-small', type: 'button', onclick: () => holdByDialog(target, reload) }, icon('pin'), t('bulk.hold'));
}

function tagButton({ selection, reload }) {
  const ids = selection.rows.map((row) => row.id);
  const present = [...new Set(selection.rows.flatMap((row) => row.tags ?? []))];
  return (
    !selection.allMatching &&
    el('button', { class: 'button button-small', type: 'button', onclick: () => tagByDialog(ids, present, reload) }, t('bulk.tag'))
  );
}

function restoreButton({ selection, reload }) {
  const ids = selection.rows.filter((row) => row.state === 'trashed').map((row) => row.id);
  return (
    !selection.allMatching &&
    ids.length > 0 &&
    el(
      'button',
      { class: 'button button-small', type: 'button', onclick: () => restoreByIds(ids, reload) },
      icon('restore'),
      t('bulk.restore'),
    )
  );
}

function exportAction(selection, filter) {
  if (selection.allMatching) {
    return exportLink({ filter: apiFilter(filter) }, t('bulk.export'));
  }
  return exportLink({ ids: selection.rows.map((row) => row.id) }, t('bulk.export'));
}
