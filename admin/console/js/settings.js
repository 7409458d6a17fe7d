/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/* The configuration as it counts on the host that answers: to read only, it is changed in httpd's files. */

import { el, replaceChildren } from '../shared/dom.js';
import { formatNumber, t } from '../shared/i18n.js';
import { getSettings } from './endpoints.js';
import { loadInto } from './loading.js';
import { screenHeader } from './screen_header.js';
import { dataTable } from './table.js';
import { userText } from './user_text.js';
import { dash, timeText } from './words_for.js';

/**
 * @param {HTMLElement} host
 * @param {{signal: AbortSignal}} context
 */
export function showSettings(host, { signal }) {
  const list = el('div', null);
  replaceChildren(host, screenHeader(t('nav.settings'), t('settings.lead')), list);
  loadInto(list, { load: () => getSettings(signal), draw, signal });
}

function draw(settings) {
  const changed = settings.directives.filter((row) => row.set);
  const others = settings.directives.filter((row) => !row.set);
  return [
    group('settings.versions', table('settings.versions', versionColumns(), Object.entries(settings.versions).map(([name, value]) => ({ name, value })))),
    settings.backends.length > 0 && group('settings.backends', table('settings.backends', backendColumns(), settings.backends)),
    settings.keys.length > 0 && group('settings.keys', table('settings.keys', keyColumns(), settings.keys)),
    changed.length > 0 && group('settings.changed', table('settings.changed', directiveColumns(), changed)),
    group('settings.defaults', table('settings.defaults', directiveColumns(), others)),
    listOf('settings.origins', 'ChatSessionAllowOrigin', settings.origins),
    listOf('settings.providers', 'ChatSessionLoginProvider', settings.login_providers),
  ];
}

function group(key, content) {
  return el('section', { class: 'settings-group' }, el('h2', null, t(key)), content);
}

function table(key, columns, rows) {
  const made = dataTable({ caption: t(key), columns, idOf: (row) => row.name ?? row.id });
  made.addRows(rows);
  return made.node;
}

function listOf(key, directive, values) {
  return (
    values.length > 0 &&
    group(
      key,
      el(
        'p',
        null,
        el('code', null, directive),
        ' ',
        values.map((value, index) => [index > 0 && ', ', userText(value)]),
      ),
    )
  );
}

function versionColumns() {
  return [
    { label: t('settings.part'), class: 'primary', cell: (row) => t(`settings.version.${row.name}`) },
    { label: t('settings.value'), class: 'detail', cell: (row) => userText(String(row.value)) },
  ];
}

function directiveColumns() {
  return [
    { label: t('settings.directive'), class: 'primary', cell: (row) => el('code', null, row.name) },
    { label: t('settings.value'), class: 'user', cell: (row) => valueText(row) },
    { label: t('settings.default'), class: 'user', cell: (row) => (row.default === null ? dash() : el('code', null, row.default)) },
    { label: t('settings.help'), class: 'detail secondary', cell: (row) => el('span', { lang: 'en' }, row.help) },
  ];
}

function valueText(row) {
  if (row.value === null) {
    return row.set ? el('span', { class: 'muted' }, t('settings.hidden')) : dash();
  }
  return el('code', null, row.value);
}

function backendColumns() {
  return [
    { label: t('settings.name'), class: 'primary', cell: (row) => userText(row.name) },
    { label: t('settings.url'), class: 'detail', cell: (row) => el('code', null, row.url) },
    { label: t('settings.model'), class: 'user', cell: (row) => (row.model ? userText(row.model) : dash()) },
    { label: t('settings.context'), class: 'number', cell: (row) => (row.context ? formatNumber(row.context) : dash()) },
    { label: t('settings.key'), class: 'brief', cell: (row) => t(row.key ? 'settings.key.yes' : 'settings.key.no') },
  ];
}

function keyColumns() {
  return [
    { label: t('settings.keyId'), class: 'primary', cell: (row) => el('code', null, row.id) },
    { label: t('settings.keyUse'), class: 'brief', cell: (row) => t(row.signs ? 'settings.keyUse.signs' : 'settings.keyUse.verifies') },
    { label: t('settings.keyChanged'), class: 'time', cell: (row) => timeText(row.changed_at) },
  ];
}
