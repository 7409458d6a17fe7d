/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * The rows an operator has ticked, by id, over all pages loaded so far; or, instead, "all that match the filter", which also
 * means rows that have not been loaded.
 */

/** A set of rows that tells its listeners when it changes. */
export class Selection {
  #rows = new Map();
  #listeners = new Set();
  allMatching = false;

  /** How many rows are ticked; not known while allMatching. @returns {number} */
  get size() {
    return this.#rows.size;
  }

  /** Is nothing chosen? @returns {boolean} */
  get isEmpty() {
    return !this.allMatching && this.size === 0;
  }

  /** The rows ticked. @returns {Object[]} */
  get rows() {
    return [...this.#rows.values()];
  }

  /** @param {string} id @returns {boolean} */
  has(id) {
    return this.allMatching || this.#rows.has(id);
  }

  /**
   * Tick or untick rows. Either ends allMatching.
   * @param {[string, Object][]} entries id and row
   * @param {boolean} on
   */
  set(entries, on) {
    this.allMatching = false;
    for (const [id, row] of entries) {
      if (on) {
        this.#rows.set(id, row);
      } else {
        this.#rows.delete(id);
      }
    }
    this.#tell();
  }

  /** Choose everything that matches the filter. */
  chooseAllMatching() {
    this.allMatching = true;
    this.#tell();
  }

  /** Choose nothing. */
  clear() {
    this.allMatching = false;
    this.#rows.clear();
    this.#tell();
  }

  /** @param {function(): void} fn called after each change */
  onChange(fn) {
    this.#listeners.add(fn);
  }

  /** Forget the listeners; the elements they served are gone. */
  silence() {
    this.#listeners.clear();
  }

  #tell() {
    this.#listeners.forEach((fn) => fn());
  }
}
