/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* The list of conversations: groups by day, endless scrolling, search with the text around the hit, labels, the archive and the trash. */

import { $, el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { daysAgo, formatTime, hasMessage, isolate, onLanguageChange, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { ConversationList } from './conversation-list.js';
import { highlighted, withoutMarks } from './highlight.js';
import { whenInSight } from './in-sight.js';
import { LabelFilter } from './label-filter.js';
import { Selection } from './selection.js';

const SEARCH_DELAY_MS = 250;
const ROW_LABELS = 3;
const WEEK_DAYS = 7;
const MONTH_DAYS = 30;

/** The sidebar's list. */
export class Sidebar {
  #list = new ConversationList();
  #box = $('#conversations');
  #search = $('#search');
  #folders = { archived: $('#archive-toggle'), trashed: $('#trash-toggle') };
  #more = el('button', { class: 'button button-quiet button-small list-more', type: 'button' });
  #actions;
  #selection;
  #labels = new LabelFilter({ onChoose: (label) => this.load({ label }) });
  #onOpen;
  #current = null;
  #timer = null;
  #error = null;

  /**
   * @param {{actions: import('./conversation-actions.js').ConversationActions, onOpen: function(string, {find: string, messageId: string|null}): void}} options
   *   onOpen gets the id, what was searched for and where it stands
   */
  constructor({ actions, onOpen }) {
    this.#actions = actions;
    this.#onOpen = onOpen;
    this.#selection = new Selection({ list: this.#list, actions, onMode: () => this.#draw(), onAll: () => this.#loadAll() });
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.load({ query: this.#search.value.trim() }), SEARCH_DELAY_MS);
    });
    this.#search.addEventListener('keydown', (event) => this.#onSearchKey(event));
    for (const [state, button] of Object.entries(this.#folders)) {
      button.addEventListener('click', () => this.#toggle(state));
    }
    this.#box.addEventListener('click', (event) => this.#onClick(event));
    this.#more.addEventListener('click', () => this.#loadMore());
    whenInSight(this.#box, this.#more, '300px', () => this.#error === null && this.#loadMore());
    onLanguageChange(() => {
      this.#draw();
      this.#labels.draw();
      this.#selection.draw();
    });
  }

  /** Loads the list anew. @param {{query?: string, state?: string, label?: string|null}} [what] */
  async load(what = {}) {
    this.#selection.clear();
    await this.#attempt(() => this.#list.start(what));
    this.#box.scrollTop = 0;
    this.#labels.see(this.#list.items());
    this.#selection.draw();
  }

  /** Reads the newest part again. When that fails, the list stays as it is: the next change or visit tries again. */
  async refresh() {
    try {
      if (await this.#list.refresh()) {
        this.#draw();
        this.#selection.draw();
        this.#labels.see(this.#list.items());
      }
    } catch {
      /* Nobody asked for it, so nobody is bothered. */
    }
  }

  /** @param {string} id @returns {Object|undefined} the conversation as the list knows it */
  item(id) {
    return this.#list.item(id);
  }

  /** Conversations have changed. @param {...Object} infos */
  put(...infos) {
    const labelled = infos.some((info) => [info, this.#list.item(info.id)].some((one) => one?.labels?.length > 0));
    infos.forEach((info) => this.#list.put(info));
    this.#draw();
    this.#selection.draw();
    if (labelled) {
      this.#labels.load();
    }
  }

  /** Marks the open conversation. @param {string|null} id */
  setCurrent(id) {
    this.#current = id;
    for (const link of this.#box.querySelectorAll('a[data-id]')) {
      link.toggleAttribute('aria-current', link.dataset.id === id);
      if (link.dataset.id === id) {
        link.setAttribute('aria-current', 'page');
      }
    }
  }

  /** Puts the caret into the search field. */
  focusSearch() {
    this.#search.focus();
    this.#search.select();
  }

  #onSearchKey(event) {
    if (event.key === 'Escape' && this.#search.value !== '') {
      event.stopPropagation();
      this.#search.value = '';
      this.load({ query: '' });
    } else if (event.key === 'ArrowDown' || (event.key === 'Enter' && !event.isComposing)) {
      event.preventDefault();
      this.#box.querySelector('a[data-id]')?.focus();
    }
  }

  #toggle(state) {
    this.#search.value = '';
    this.load({ query: '', state: this.#list.state === state ? 'active' : state });
  }

  /* Whether more came. */
  async #loadMore() {
    if (!this.#list.hasMore) {
      return false;
    }
    await this.#attempt(() => this.#list.more());
    return this.#error === null;
  }

  async #loadAll() {
    while (this.#list.hasMore) {
      await this.#list.more();
    }
  }

  async #attempt(work) {
    try {
      const changed = await work();
      this.#error = null;
      if (changed) {
        this.#draw();
      }
    } catch (error) {
      this.#error = error;
      this.#draw();
    }
  }

  #onClick(event) {
    const row = event.target.closest('[data-row]');
    if (!row) {
      return;
    }
    const info = this.#list.item(row.dataset.row);
    const link = event.target.closest('a[data-id]');
    const box = event.target.closest('.row-check');
    if (this.#selection.on && (link || box)) {
      this.#choose(event, info, row.querySelector('.row-check'));
    } else if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.#onOpen(info.id, { find: this.#list.query, messageId: info.message_id });
    } else if (event.target.closest('[data-menu]')) {
      this.#actions.openMenu(event.target.closest('[data-menu]'), info, row.querySelector('.row-title'));
    } else if (event.target.closest('[data-restore]')) {
      this.#actions.restore(info);
    }
  }

  #choose(event, info, box) {
    if (event.target !== box) {
      event.preventDefault();
      box.checked = !box.checked;
      box.focus({ preventScroll: true });
    }
    for (const id of this.#selection.choose(info.id, box.checked, event.shiftKey)) {
      this.#box.querySelector(`[data-row="${CSS.escape(id)}"] .row-check`).checked = box.checked;
    }
  }

  #draw() {
    if (this.#box.querySelector('.rename')) {
      return;
    }
    const focused = document.activeElement?.closest?.('#conversations [data-row]')?.dataset.row;
    const { state } = this.#list;
    const items = this.#list.items();
    this.#more.textContent = t('sidebar.more');
    this.#more.hidden = !this.#list.hasMore;
    replaceChildren(this.#box,
      this.#error && this.#failure(),
      state !== 'active' && el('h2', { class: 'list-heading' }, t(`folder.${state}`)),
      items.length === 0 && this.#error === null && el('p', { class: 'list-empty' }, this.#emptyWords()),
      state === 'trashed' || this.#list.query !== '' ? this.#flat(items) : this.#grouped(items),
      this.#more);
    for (const [folder, button] of Object.entries(this.#folders)) {
      const open = folder === state;
      button.setAttribute('aria-pressed', String(open));
      replaceChildren(button, icon(folder === 'trashed' ? 'trash' : 'archive'), el('span', null, t(open ? 'folder.back' : `folder.${folder}`)));
    }
    if (focused) {
      this.#box.querySelector(`[data-row="${CSS.escape(focused)}"] :is(.row-check, a)`)?.focus({ preventScroll: true });
    }
  }

  #emptyWords() {
    if (this.#list.query !== '') {
      return t('sidebar.no_results', { q: isolate(this.#list.query) });
    }
    if (this.#list.label !== null) {
      return t('labels.empty', { label: isolate(this.#list.label) });
    }
    return t({ trashed: 'trash.empty', archived: 'archive.empty' }[this.#list.state] ?? 'sidebar.empty');
  }

  #failure() {
    return el('div', { class: 'notice notice-error list-failure', role: 'alert' },
      el('p', null, t('sidebar.failed')), el('p', null, describeError(this.#error)),
      el('button', { class: 'button button-small', type: 'button', onclick: () => this.load() }, t('page.retry')));
  }

  #flat(items) {
    const heading = this.#list.query !== '' && items.length > 0 && el('h2', { class: 'list-heading' }, t('sidebar.results'));
    return [heading, el('ul', { class: 'list' }, items.map((info) => this.#row(info)))];
  }

  #grouped(items) {
    const groups = new Map();
    for (const info of items) {
      const key = groupOf(info);
      groups.set(key, [...(groups.get(key) ?? []), info]);
    }
    return [...groups].map(([key, members]) => el('section', { class: 'list-group' },
      el('h2', { class: 'list-heading' }, hasMessage(`sidebar.${key}`) ? t(`sidebar.${key}`) : key),
      el('ul', { class: 'list' }, members.map((info) => this.#row(info)))));
  }

  #row(info) {
    const title = info.title || t('chat.untitled');
    const trashed = Boolean(info.trashed_at);
    const link = el('a', { class: 'row-link', href: `?c=${encodeURIComponent(info.id)}`, dataset: { id: info.id }, title, aria: { current: info.id === this.#current ? 'page' : null } },
      el('bdi', { class: 'row-title' }, title),
      el('span', { class: 'row-marks' },
        info.pinned && !trashed && [icon('pin'), el('span', { class: 'visually-hidden' }, t('sidebar.is_pinned'))],
        info.archived && !trashed && this.#list.state === 'active' && [icon('archive'), el('span', { class: 'visually-hidden' }, t('archive.is'))]),
      info.labels?.length > 0 && rowLabels(info.labels),
      info.snippet && el('span', { class: 'row-snippet', dir: 'auto' }, highlighted(withoutMarks(info.snippet, this.#list.query), this.#list.query)),
      trashed && info.purge_at && el('span', { class: 'row-snippet' }, t('trash.purge', { date: formatTime(info.purge_at, { dateStyle: 'medium' }) })));
    const button = trashed
      ? el('button', { class: 'icon-button', type: 'button', title: t('trash.restore'), aria: { label: t('trash.restore_named', { title: isolate(title) }) }, dataset: { restore: '' } }, icon('restore'))
      : el('button', { class: 'icon-button row-menu', type: 'button', aria: { label: t('sidebar.menu', { title: isolate(title) }), haspopup: 'menu', expanded: 'false' }, dataset: { menu: '' } }, icon('more'));
    if (this.#selection.on) {
      const box = el('input', { class: 'row-check', type: 'checkbox', checked: this.#selection.has(info.id), aria: { label: t('select.row', { title: isolate(title) }) } });
      link.tabIndex = -1;
      return el('li', { class: 'row', dataset: { row: info.id } }, box, link);
    }
    return el('li', { class: 'row', dataset: { row: info.id } }, link, button);
  }
}

function rowLabels(labels) {
  const more = labels.length - ROW_LABELS;
  return el('span', { class: 'row-labels' }, el('span', { class: 'visually-hidden' }, t('labels.of')),
    labels.slice(0, ROW_LABELS).map((label) => el('bdi', { class: 'badge row-label' }, label)),
    more > 0 && el('span', { class: 'badge', title: labels.slice(ROW_LABELS).join(', ') }, `+${more}`));
}

/* The key of the words over it, or the month as the reader writes it. */
function groupOf(info) {
  if (info.pinned) {
    return 'pinned';
  }
  const days = daysAgo(new Date(info.updated_at));
  if (days <= 0) {
    return 'today';
  }
  if (days === 1) {
    return 'yesterday';
  }
  if (days <= MONTH_DAYS) {
    return days <= WEEK_DAYS ? 'week' : 'month';
  }
  return formatTime(info.updated_at, { year: 'numeric', month: 'long' });
}
