/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Several conversations of the list at once: which ones are chosen, and the bar that says what can be done with them. The list draws a box at each row
 * while choosing is on; a box that changes redraws the bar, not the list.
 */

import { $, el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { defineMessages, formatNumber, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { openMenu } from '../shared/menu.js';
import { announce, toast } from '../shared/notify.js';
import { askLabels, describeLabelError } from './labels.js';

defineMessages({
  en: {
    'select.start': 'Choose several chats',
    'select.bar': 'What to do with the chosen chats',
    'select.row': 'Choose “{title}”',
    'select.count': 'Chosen: {count}',
    'select.all': 'All',
    'select.none': 'None',
    'select.end': 'Stop choosing',
    'select.export': 'Export',
    'select.export_ndjson': 'As NDJSON',
    'select.export_md': 'As Markdown',
    'select.label': 'Label',
    'select.archive': 'Archive',
    'select.unarchive': 'Put back',
    'select.trash': 'Delete',
    'select.restore': 'Restore',
    'select.progress': '{done} of {count}…',
    'select.archived': 'Moved to the archive: {count}',
    'select.unarchived': 'Taken out of the archive: {count}',
    'select.labelled': 'Labelled: {count}',
    'select.unlabelled': 'Labels as before: {count}',
    'select.trashed': 'Moved to the trash: {count}',
    'select.restored': 'Restored: {count}',
    'select.failed': 'Left as they were: {count}. {words}',
  },
  ja: {
    'select.start': '複数のチャットを選択',
    'select.bar': '選択したチャットの操作',
    'select.row': '「{title}」を選択',
    'select.count': '選択中: {count} 件',
    'select.all': 'すべて',
    'select.none': '解除',
    'select.end': '選択を終了',
    'select.export': '書き出す',
    'select.export_ndjson': 'NDJSON 形式',
    'select.export_md': 'Markdown 形式',
    'select.label': 'ラベル',
    'select.archive': 'アーカイブ',
    'select.unarchive': '戻す',
    'select.trash': '削除',
    'select.restore': '元に戻す',
    'select.progress': '{count} 件中 {done} 件…',
    'select.archived': 'アーカイブに移動しました: {count} 件',
    'select.unarchived': 'アーカイブから戻しました: {count} 件',
    'select.labelled': 'ラベルを付けました: {count} 件',
    'select.unlabelled': 'ラベルを元に戻しました: {count} 件',
    'select.trashed': 'ゴミ箱に移動しました: {count} 件',
    'select.restored': '元に戻しました: {count} 件',
    'select.failed': '変更できなかったチャット: {count} 件。{words}',
  },
});

/* What is done, what takes it back, and the words for it. */
const DEEDS = {
  archive: { words: 'select.archived', back: 'unarchive' },
  unarchive: { words: 'select.unarchived', back: 'archive' },
  label: { words: 'select.labelled', back: 'unlabel' },
  unlabel: { words: 'select.unlabelled', back: null },
  trash: { words: 'select.trashed', back: 'restore' },
  restore: { words: 'select.restored', back: 'trash' },
};

/** The chosen conversations of the list. */
export class Selection {
  #bar = $('#selection');
  #toggle = $('#select-toggle');
  #ids = new Set();
  #on = false;
  #last = null;
  #busy = '';
  #list;
  #actions;
  #onMode;
  #onAll;

  /**
   * @param {{list: import('./conversation-list.js').ConversationList, actions: import('./conversation-actions.js').ConversationActions,
   *   onMode: function(): void, onAll: function(): Promise<void>}} options onMode: choosing began or ended, draw the rows anew; onAll: load all of the list
   */
  constructor({ list, actions, onMode, onAll }) {
    this.#list = list;
    this.#actions = actions;
    this.#onMode = onMode;
    this.#onAll = onAll;
    this.#toggle.addEventListener('click', () => this.set(!this.#on));
    this.#bar.addEventListener('click', (event) => this.#onClick(event));
    $('#sidebar').addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#on && !event.defaultPrevented) {
        event.preventDefault();
        event.stopPropagation();
        this.set(false);
        this.#toggle.focus();
      }
    });
  }

  /** Whether rows are being chosen. @returns {boolean} */
  get on() {
    return this.#on;
  }

  /** Begins or ends the choosing. @param {boolean} on */
  set(on) {
    this.#on = on;
    this.clear();
    this.#onMode();
  }

  /** Nothing is chosen. */
  clear() {
    this.#ids.clear();
    this.#last = null;
    this.draw();
  }

  /** @param {string} id @returns {boolean} */
  has(id) {
    return this.#ids.has(id);
  }

  /** Chooses a row or not; with range all between it and the last one. @param {string} id @param {boolean} chosen @param {boolean} range @returns {string[]} those that changed */
  choose(id, chosen, range) {
    const order = this.#list.items().map((info) => info.id);
    const [from, to] = [order.indexOf(range ? this.#last : id), order.indexOf(id)].sort((a, b) => a - b);
    const ids = from < 0 ? [id] : order.slice(from, to + 1);
    ids.forEach((one) => this.#ids[chosen ? 'add' : 'delete'](one));
    this.#last = id;
    this.draw();
    return ids;
  }

  /** Draws the bar: after a choice, a change of the list or of the language. */
  draw() {
    this.#toggle.setAttribute('aria-pressed', String(this.#on));
    this.#bar.hidden = !this.#on;
    $('.sidebar-foot').hidden = this.#on;
    if (!this.#on) {
      return;
    }
    const count = this.#chosen().length;
    const focused = this.#bar.contains(document.activeElement) ? document.activeElement.dataset.deed : null;
    const all = count > 0 && count === this.#list.items().length && !this.#list.hasMore;
    const deeds = { active: ['archive', 'label', 'trash'], archived: ['unarchive', 'label', 'trash'], trashed: ['restore'] }[this.#list.state];
    const off = count === 0 || this.#busy !== '';
    replaceChildren(this.#bar,
      el('div', { class: 'selection-head' },
        el('span', { class: 'selection-count', role: 'status' }, this.#busy || t('select.count', { count: formatNumber(count) })),
        el('button', { class: 'button button-quiet button-small', type: 'button', disabled: this.#busy !== '', dataset: { deed: all ? 'none' : 'all' } }, t(all ? 'select.none' : 'select.all')),
        el('button', { class: 'icon-button', type: 'button', title: t('select.end'), aria: { label: t('select.end') }, dataset: { deed: 'end' } }, icon('close'))),
      el('div', { class: 'selection-deeds' },
        [...deeds, 'export'].map((deed) => deedButton(deed, off))));
    if (focused) {
      (this.#bar.querySelector(`[data-deed="${focused}"]:enabled`) ?? this.#bar.querySelector('[data-deed="end"]')).focus();
    }
  }

  #chosen() {
    return this.#list.items().filter((info) => this.#ids.has(info.id));
  }

  async #onClick(event) {
    const button = event.target.closest('[data-deed]');
    const deed = button?.dataset.deed;
    if (deed === 'end') {
      this.set(false);
      this.#toggle.focus();
    } else if (deed === 'export') {
      openMenu(button, ['ndjson', 'md'].map((format) => ({ label: t(`select.export_${format}`), icon: 'download', onSelect: () => this.#export(format) })), t('select.export'));
    } else if (deed === 'label') {
      await this.#label();
    } else if (deed === 'all') {
      await this.#all();
    } else if (deed === 'none') {
      this.clear();
      this.#onMode();
    } else if (deed) {
      const infos = this.#chosen();
      this.set(false);
      this.#toggle.focus();
      await this.#do(deed, infos);
    }
  }

  async #all() {
    this.#busy = t('sidebar.loading');
    this.draw();
    try {
      await this.#onAll();
      this.#list.items().forEach((info) => this.#ids.add(info.id));
    } catch (error) {
      toast({ text: describeError(error), kind: 'error' });
    }
    this.#busy = '';
    this.#onMode();
    this.draw();
  }

  async #label() {
    const infos = this.#chosen();
    try {
      const labels = await askLabels({ title: t('labels.add_title'), chosen: [] });
      if (labels?.length > 0) {
        this.set(false);
        this.#toggle.focus();
        await this.#do('label', infos, labels);
      }
    } catch (error) {
      toast({ text: describeError(error), kind: 'error' });
    }
  }

  async #do(deed, infos, labels = []) {
    const { words, back } = DEEDS[deed];
    const { changed, failed, error } = await this.#actions.many(deed, infos, (done) => announce(t('select.progress', { done: formatNumber(done), count: formatNumber(infos.length) })), labels);
    if (changed.length > 0) {
      /* Labels come back as they were before, all else is taken back from how it is now. */
      const done = new Set(changed.map(({ id }) => id));
      const before = deed === 'label' ? infos.filter(({ id }) => done.has(id)) : changed;
      const undo = back && { label: t('chat.undo'), onClick: () => this.#do(back, before, labels) };
      toast({ text: t(words, { count: formatNumber(changed.length) }), action: undo });
    }
    if (failed > 0) {
      toast({ text: t('select.failed', { count: formatNumber(failed), words: labels.length > 0 ? describeLabelError(error) : describeError(error) }), kind: 'error' });
    }
  }

  async #export(format) {
    const ids = this.#chosen().map((info) => info.id);
    try {
      await this.#actions.exportMany(ids, format);
    } catch (error) {
      toast({ text: describeError(error), kind: 'error' });
    }
  }
}

function deedButton(deed, disabled) {
  const name = { archive: 'archive', unarchive: 'archive', label: 'label', trash: 'trash', restore: 'restore', export: 'download' }[deed];
  const aria = { export: { haspopup: 'menu', expanded: 'false' }, label: { haspopup: 'dialog' } }[deed] ?? null;
  return el('button', { class: deed === 'trash' ? 'button selection-danger' : 'button', type: 'button', disabled, aria, dataset: { deed } }, icon(name), t(`select.${deed}`));
}
