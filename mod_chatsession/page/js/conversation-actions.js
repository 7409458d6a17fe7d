/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* What can be done with a conversation as a whole, from the list or from the head of the page. */

import { api } from '../shared/api.js';
import { el } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { isolate, t } from '../shared/i18n.js';
import { openMenu } from '../shared/menu.js';
import { toast } from '../shared/notify.js';
import { saveFile } from '../shared/save-file.js';
import { askLabels } from './labels.js';
import { isTemporary } from './retention.js';

const FORMATS = { md: 'Markdown', html: 'HTML', txt: 'TXT', json: 'JSON' };
const TITLE_LIMIT = 200;

const AT_ONCE = 4;
const EXPORT_IDS = 200;

/* What is done with each of several: the call, and what the list knows of it then. Labels come and go one by one, so that what another tab did stays. */
const MANY = {
  archive: (info) => api.patch(`api/conversations/${info.id}`, { archived: true }),
  unarchive: (info) => api.patch(`api/conversations/${info.id}`, { archived: false }),
  label: (info, labels) => api.patch(`api/conversations/${info.id}`, { add_labels: labels }),
  unlabel: (info, labels) => api.patch(`api/conversations/${info.id}`, { remove_labels: labels.filter((label) => !info.labels.includes(label)) }),
  trash: async (info) => {
    await api.del(`api/conversations/${info.id}`);
    return { ...info, trashed_at: new Date().toISOString() };
  },
  restore: async (info) => ({ ...info, trashed_at: null, purge_at: null, ...await api.post(`api/conversations/${info.id}/restore`) }),
};

/** Rename, pin, label, archive, export, trash and restore. */
export class ConversationActions {
  #onChange;

  /** @param {{onChange: function(...Object): void}} options onChange gets the conversations' new objects, `trashed_at` set when one went to the trash */
  constructor({ onChange }) {
    this.#onChange = onChange;
  }

  /**
   * Opens the menu of a conversation.
   * @param {HTMLElement} anchor the menu's button
   * @param {Object} info
   * @param {HTMLElement} titleNode where the title stands, for renaming it in place
   * @param {(function(): void)|null} [share] offers a link to what is shown; null where nothing is
   */
  openMenu(anchor, info, titleNode, share = null) {
    const rename = { label: t('chat.rename'), icon: 'edit', onSelect: () => this.rename(info, titleNode) };
    const temporary = [{ label: t('temporary.keep'), icon: 'check', onSelect: () => this.#keep(info) }, rename];
    const kept = [
      rename,
      { label: t(info.pinned ? 'chat.unpin' : 'chat.pin'), icon: 'pin', onSelect: () => this.#patch(info, { pinned: !info.pinned }) },
      { label: t('labels.menu'), icon: 'label', onSelect: () => this.#label(info) },
      { label: t(info.archived ? 'archive.out' : 'archive.in'), icon: 'archive', onSelect: () => this.archive(info, !info.archived) },
    ];
    const link = share ? [{ label: t('share.menu'), icon: 'share', onSelect: share }] : [];
    const files = Object.entries(FORMATS).map(([format, name]) => ({ label: t('chat.export', { format: name }), icon: 'download', onSelect: () => this.#download(info, format) }));
    const trash = { label: t('chat.delete'), icon: 'trash', danger: true, onSelect: () => this.trash(info) };
    const restore = { label: t('trash.restore'), icon: 'restore', onSelect: () => this.restore(info) };
    openMenu(anchor, info.trashed_at ? [restore, ...files] : [...(isTemporary(info) ? temporary : kept), ...link, ...files, trash], t('chat.menu'));
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

  /**
   * The same with several: what fails is left, the rest is done.
   * @param {string} deed archive, unarchive, label, unlabel, trash or restore
   * @param {Object[]} infos
   * @param {function(number): void} onProgress gets how many are done, now and then
   * @param {string[]} [labels] what label adds; unlabel takes those off that the infos do not have
   * @returns {Promise<{changed: Object[], failed: number, error: Error|null}>}
   */
  async many(deed, infos, onProgress, labels = []) {
    const left = [...infos];
    const result = { changed: [], failed: 0, error: null };
    const work = async () => {
      for (let info = left.shift(); info; info = left.shift()) {
        try {
          result.changed.push(await MANY[deed](info, labels));
        } catch (error) {
          result.failed += 1;
          result.error = error;
        }
        if (result.changed.length % 100 === 0) {
          onProgress(result.changed.length);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    this.#onChange(...result.changed);
    return result;
  }

  /** Downloads several as one file; very many as several. @param {string[]} ids @param {string} format ndjson or md */
  async exportMany(ids, format) {
    for (let at = 0; at < ids.length; at += EXPORT_IDS) {
      const { blob, filename } = await api.download('api/export', { format, ids: ids.slice(at, at + EXPORT_IDS).join(',') });
      saveFile(blob, filename || `conversations.${format}`);
    }
  }

  /** A conversation was changed elsewhere on the page. @param {Object} info */
  changed(info) {
    this.#onChange(info);
  }

  #label(info) {
    const had = info.labels ?? [];
    return attempt(() => askLabels({
      title: t('labels.title'),
      chosen: had,
      onSave: async (labels) => this.#onChange(await api.patch(`api/conversations/${info.id}`, {
        add_labels: labels.filter((label) => !had.includes(label)),
        remove_labels: had.filter((label) => !labels.includes(label)),
      })),
    }));
  }

  #keep(info) {
    return attempt(async () => {
      this.#onChange(await api.patch(`api/conversations/${info.id}`, { temporary: false }));
      toast({ text: t('temporary.kept'), kind: 'success' });
    });
  }

  #patch(info, change) {
    return attempt(async () => this.#onChange(await api.patch(`api/conversations/${info.id}`, change)));
  }

  #download(info, format) {
    return attempt(async () => {
      if (format === 'html') {
        const { htmlFile } = await import('./html-file.js');
        saveFile(await htmlFile(await api.get(`api/conversations/${info.id}`)), `conversation-${info.id}.html`);
        return;
      }
      const { blob, filename } = await api.download(`api/conversations/${info.id}/export`, { format });
      saveFile(blob, filename || `chat-${info.id}.${format}`);
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
