/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * The user's conversations as far as they are loaded: newest first, page by page (keyset), for one search or for the trash. No elements here.
 */

import { api } from '../shared/api.js';

const PAGE = 50;

/** A list that is loaded in pages. */
export class ConversationList {
  #query = '';
  #state = 'active';
  #infos = new Map();
  #next = null;
  #generation = 0;
  #loading = false;

  /** What is searched for, '' for all. @returns {string} */
  get query() {
    return this.#query;
  }

  /** `active` or `trashed`. @returns {string} */
  get state() {
    return this.#state;
  }

  /** Whether the server has more. @returns {boolean} */
  get hasMore() {
    return this.#next !== null;
  }

  /** @returns {Object[]} newest first */
  items() {
    return [...this.#infos.values()].sort((a, b) => (a.updated_at < b.updated_at ? 1 : a.updated_at > b.updated_at ? -1 : 0));
  }

  /** @param {string} id @returns {Object|undefined} */
  item(id) {
    return this.#infos.get(id);
  }

  /** Starts anew with a search and a state. @param {{query?: string, state?: string}} what @returns {Promise<boolean>} false when overtaken */
  async start({ query = this.#query, state = this.#state }) {
    this.#query = query;
    this.#state = state;
    const page = await this.#page(null, this.#generation += 1);
    if (page === null) {
      return false;
    }
    this.#infos.clear();
    this.#take(page);
    this.#next = page.next;
    return true;
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
    const oldest = page.next === null ? '' : (page.conversations.at(-1)?.updated_at ?? '');
    for (const [id, info] of this.#infos) {
      if (!ids.has(id) && info.updated_at >= oldest) {
        this.#infos.delete(id);
      }
    }
    this.#next = this.#infos.size === 0 || page.next === null ? page.next : this.#next;
    this.#take(page);
    return true;
  }

  /** Takes over a conversation's new state. @param {Object} info */
  put(info) {
    const belongs = (info.trashed_at !== null && info.trashed_at !== undefined) === (this.#state === 'trashed');
    const known = this.#infos.get(info.id);
    if (!belongs) {
      this.#infos.delete(info.id);
    } else if (known || this.#query === '') {
      this.#infos.set(info.id, { ...known, ...info, snippet: known?.snippet ?? null });
    }
  }

  #take(page) {
    page.conversations.forEach((info) => this.#infos.set(info.id, info));
  }

  async #page(after, generation) {
    const state = this.#state;
    const page = await api.get('api/conversations', { q: this.#query, state, after, limit: PAGE });
    return generation === this.#generation ? page : null;
  }
}
