/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What can be done with a conversation as a whole, from the list or from the head of the page. */

import { api } from '../shared/api.js';
import { el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { isolate, t } from '../shared/i18n.js';
import { openMenu } from '../shared/menu.js';
import { toast } from '../shared/notify.js';

const FORMATS = { md: 'Markdown', txt: 'TXT', json: 'JSON' };
const TITLE_LIMIT = 200;

/** Rename, pin, archive, export, trash and restore. */
export class ConversationActions {
  #onChange;

  /** @param {{onChange: function(Object): void}} options onChange gets the conversation's new object, `trashed_at` set when it went to the trash */
  constructor({ onChange }) {
    this.#onChange = onChange;
  }

  /**
   * Opens the menu of a conversation.
   * @param {HTMLElement} anchor the menu's button
   * @param {Object} info
   * @param {HTMLElement} titleNode where the title stands, for renaming it in place
   */
  openMenu(anchor, info, titleNode) {
    const kept = [
      { label: t('chat.rename'), icon: 'edit', onSelect: () => this.rename(info, titleNode) },
      { label: t(info.pinned ? 'chat.unpin' : 'chat.pin'), icon: 'pin', onSelect: () => this.#patch(info, { pinned: !info.pinned }) },
      { label: t(info.archived ? 'archive.out' : 'archive.in'), icon: 'archive', onSelect: () => this.archive(info, !info.archived) },
    ];
    const files = Object.entries(FORMATS).map(([format, name]) => ({ label: t('chat.export', { format: name }), icon: 'download', onSelect: () => this.#download(info, format) }));
    const trash = { label: t('chat.delete'), icon: 'trash', danger: true, onSelect: () => this.trash(info) };
    const restore = { label: t('trash.restore'), icon: 'restore', onSelect: () => this.restore(info) };
    openMenu(anchor, info.trashed_at ? [restore, ...files] : [...kept, ...files, trash], t('chat.menu'));
  }

  /** Turns the title into a field: Enter or leaving it saves, Escape does not. @param {Object} info @param {HTMLElement} node */
  rename(info, node) {
    const field = el('input', { class: 'input input-small rename', value: info.title ?? '', maxlength: String(TITLE_LIMIT), dir: 'auto', aria: { label: t('chat.rename_label') } });
    const link = node.closest('a');
    let over = false;
    const finish = async (save) => {
      if (over) {
        return;
      }
      over = true;
      const title = field.value.trim();
      if (document.activeElement === field) {
        link?.focus({ preventScroll: true });
      }
      node.textContent = info.title || t('chat.untitled');
      if (save && title !== '' && title !== info.title) {
        await this.#patch(info, { title });
      }
    };
    field.addEventListener('click', (event) => event.preventDefault());
    field.addEventListener('blur', () => finish(true));
    field.addEventListener('keydown', (event) => {
      event.stopPropagation();
      if ((event.key === 'Enter' || event.key === 'Escape') && !event.isComposing && event.keyCode !== 229) {
        event.preventDefault();
        finish(event.key === 'Enter');
      }
    });
    node.replaceChildren(field);
    field.focus();
    field.select();
  }

  /** Into the archive or out of it, with a way back. @param {Object} info @param {boolean} archived */
  archive(info, archived) {
    return attempt(async () => {
      const changed = await api.patch(`api/conversations/${info.id}`, { archived });
      this.#onChange(changed);
      const undo = { label: t('chat.undo'), onClick: () => this.#patch(changed, { archived: !archived }) };
      toast({ text: t(archived ? 'archive.done' : 'archive.undone', { title: isolate(info.title || t('chat.untitled')) }), action: undo });
    });
  }

  /** To the trash, with a way back. @param {Object} info */
  async trash(info) {
    await attempt(async () => {
      await api.del(`api/conversations/${info.id}`);
      this.#onChange({ ...info, trashed_at: new Date().toISOString() });
      const undo = { label: t('chat.undo'), onClick: () => this.restore(info) };
      toast({ text: t('chat.deleted', { title: isolate(info.title || t('chat.untitled')) }), action: undo });
    });
  }

  /** Out of the trash. @param {Object} info */
  async restore(info) {
    await attempt(async () => {
      const restored = await api.post(`api/conversations/${info.id}/restore`);
      this.#onChange({ ...info, trashed_at: null, purge_at: null, ...restored });
      toast({ text: t('chat.restored', { title: isolate(info.title || t('chat.untitled')) }), kind: 'success' });
    });
  }

  /** A conversation was changed elsewhere on the page. @param {Object} info */
  changed(info) {
    this.#onChange(info);
  }

  #patch(info, change) {
    return attempt(async () => this.#onChange(await api.patch(`api/conversations/${info.id}`, change)));
  }

  #download(info, format) {
    return attempt(async () => {
      const { blob, filename } = await api.download(`api/conversations/${info.id}/export`, { format });
      const url = URL.createObjectURL(blob);
      el('a', { href: url, download: filename || `chat-${info.id}.${format}` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
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
