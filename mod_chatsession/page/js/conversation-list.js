/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The user's conversations as far as they are loaded: pinned ones first, newest first, page by page (keyset), for one search, a label, the archive or the trash.
 * A search and a label look into the archive too. No elements here.
 */

import { api } from '../shared/api.js';
import { isTemporary } from './retention.js';

const PAGE = 50;

/** A list that is loaded in pages. */
export class ConversationList {
  #query = '';
  #state = 'active';
  #label = null;
  #infos = new Map();
  #next = null;
  #generation = 0;
  #loading = false;

  /** What is searched for, '' for all. @returns {string} */
  get query() {
    return this.#query;
  }

  /** `active`, `archived` or `trashed`. @returns {string} */
  get state() {
    return this.#state;
  }

  /** The label of what is shown, null for all. @returns {string|null} */
  get label() {
    return this.#label;
  }

  /** Whether the server has more. @returns {boolean} */
  get hasMore() {
    return this.#next !== null;
  }

  /** @returns {Object[]} in the server's order */
  items() {
    return [...this.#infos.values()].sort((a, b) => (before(a, b) ? -1 : before(b, a) ? 1 : 0));
  }

  /** @param {string} id @returns {Object|undefined} */
  item(id) {
    return this.#infos.get(id);
  }

  /** Starts anew with a search, a state and a label. @param {{query?: string, state?: string, label?: string|null}} what @returns {Promise<boolean>} false when overtaken */
  async start({ query = this.#query, state = this.#state, label = this.#label }) {
    const other = query !== this.#query || state !== this.#state || label !== this.#label;
    this.#query = query;
    this.#state = state;
    this.#label = label;
    const generation = this.#generation += 1;
    try {
      const page = await this.#page(null, generation);
      if (page === null) {
        return false;
      }
      this.#infos.clear();
      this.#take(page);
      this.#next = page.next;
      return true;
    } catch (error) {
      if (other && generation === this.#generation) {
        /* What is still there belongs to another list. */
        this.#infos.clear();
        this.#next = null;
      }
      throw error;
    }
  }

  /** Loads the next page. @returns {Promise<boolean>} whether something was added */
  async more() {
    if (this.#next === null || this.#loading) {
      return false;
    }
    this.#loading = true;
    try {
      const page = await this.#page(this.#next, this.#generation);
      if (page === null) {
        return false;
      }
      this.#take(page);
      this.#next = page.next;
      return true;
    } finally {
      this.#loading = false;
    }
  }

  /** Reads the first page again and mends the newest part by it. @returns {Promise<boolean>} false when overtaken */
  async refresh() {
    const page = await this.#page(null, this.#generation);
    if (page === null) {
      return false;
    }
    const ids = new Set(page.conversations.map((info) => info.id));
    const last = page.next === null ? null : page.conversations.at(-1);
    for (const [id, info] of this.#infos) {
      if (!ids.has(id) && (last === null || before(info, last))) {
        this.#infos.delete(id);
      }
    }
    this.#next = this.#infos.size === 0 || page.next === null ? page.next : this.#next;
    this.#take(page);
    return true;
  }

  /** Takes over a conversation's new state. @param {Object} info */
  put(info) {
    const known = this.#infos.get(info.id);
    if (!this.#shows({ ...known, ...info })) {
      this.#infos.delete(info.id);
    } else if (known || this.#query === '') {
      this.#infos.set(info.id, { ...known, ...info, snippet: known?.snippet ?? null, message_id: known?.message_id ?? null });
    }
  }

  #shows(info) {
    if (isTemporary(info) || (this.#label !== null && !info.labels?.includes(this.#label))) {
      return false;
    }
    if (info.trashed_at || this.#state === 'trashed') {
      return Boolean(info.trashed_at) && this.#state === 'trashed';
    }
    return info.archived === (this.#state === 'archived') || this.#showsKept;
  }

  get #showsKept() {
    return this.#state === 'active' && (this.#query !== '' || this.#label !== null);
  }

  #take(page) {
    page.conversations.forEach((info) => this.#infos.set(info.id, info));
  }

  async #page(after, generation) {
    const state = this.#showsKept ? 'kept' : this.#state;
    const page = await api.get('api/conversations', { q: this.#query, state, label: this.#label, after, limit: PAGE });
    return generation === this.#generation ? page : null;
  }
}

/* The server's order: pinned first, then the newest. */
function before(a, b) {
  if (a.pinned !== b.pinned) {
    return a.pinned;
  }
  return a.updated_at === b.updated_at ? a.id > b.id : a.updated_at > b.updated_at;
}
