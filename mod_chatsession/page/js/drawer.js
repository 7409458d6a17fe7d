/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Showing and hiding the sidebar. On a narrow window it is a drawer over the chat that takes the focus while it is open; on a wide one it stands beside
 * the chat and the choice is remembered.
 */

import { $ } from '../shared/dom.js';

const STORAGE_KEY = 'chatsession.sidebar';
const NARROW = matchMedia('(max-width: 800px)');

/** The sidebar as a drawer. */
export class Drawer {
  #shell = $('#shell');
  #opener = $('#sidebar-open');

  constructor() {
    this.#opener.addEventListener('click', () => this.set(true));
    $('#sidebar-close').addEventListener('click', () => this.set(false));
    $('#scrim').addEventListener('click', () => this.set(false));
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.open && NARROW.matches && !event.defaultPrevented && !document.querySelector('dialog[open]')) {
        event.preventDefault();
        this.set(false);
      }
    });
    NARROW.addEventListener('change', () => this.#apply(this.#initial()));
    this.#apply(this.#initial());
  }

  /** Whether the sidebar is shown. @returns {boolean} */
  get open() {
    return this.#shell.dataset.sidebar === 'open';
  }

  /** Shows or hides the sidebar and moves the focus along. @param {boolean} open */
  set(open) {
    this.#apply(open);
    if (!NARROW.matches) {
      remember(open);
    }
    (open ? $('#new-chat') : this.#opener).focus({ preventScroll: true });
  }

  /** Shows it if it is hidden, and the other way round. */
  toggle() {
    this.set(!this.open);
  }

  /** After something was chosen in the drawer: on a narrow window it goes away. */
  chosen() {
    if (NARROW.matches) {
      this.#apply(false);
    }
  }

  #initial() {
    return !NARROW.matches && recall();
  }

  #apply(open) {
    const over = open && NARROW.matches;
    this.#shell.dataset.sidebar = open ? 'open' : 'closed';
    this.#opener.setAttribute('aria-expanded', String(open));
    $('#sidebar').inert = !open;
    $('#main').inert = over;
    $('#scrim').hidden = !over;
  }
}

function remember(open) {
  try {
    localStorage.setItem(STORAGE_KEY, open ? 'open' : 'closed');
  } catch {
    /* Not remembered. */
  }
}

function recall() {
  try {
    return localStorage.getItem(STORAGE_KEY) !== 'closed';
  } catch {
    return true;
  }
}
