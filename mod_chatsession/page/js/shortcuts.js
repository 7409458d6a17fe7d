/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Keyboard shortcuts, and the dialog that lists them. */

import { el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { menuIsOpen } from '../shared/menu.js';
import { openDialog } from '../shared/notify.js';

const APPLE = /Mac|iPhone|iPad/.test(navigator.userAgent);
const MOD = APPLE ? '⌘' : 'Ctrl';

/**
 * Listens for the page's shortcuts.
 * @param {{newChat: function(): void, search: function(): void, sidebar: function(): void, composer: function(): void, stop: function(): boolean}} actions
 *   stop says whether there was something to stop
 */
export function installShortcuts(actions) {
  document.addEventListener('keydown', (event) => {
    if (event.isComposing || event.keyCode === 229 || document.querySelector('dialog[open]') || menuIsOpen()) {
      return;
    }
    if (run(event, actions)) {
      event.preventDefault();
    }
  });
}

/** Opens the list of shortcuts. */
export function showShortcuts() {
  const rows = [
    [['Enter'], 'keys.send'],
    [['Shift', 'Enter'], 'keys.newline'],
    [[MOD, 'Shift', 'O'], 'keys.new'],
    [[MOD, 'K'], 'keys.search'],
    [[MOD, 'Shift', 'S'], 'keys.sidebar'],
    [['Shift', 'Esc'], 'keys.composer'],
    [['Esc'], 'keys.stop'],
    [[MOD, '/'], 'keys.help'],
  ];
  const list = el('dl', { class: 'keys' }, rows.map(([keys, words]) => el('div', null,
    el('dt', null, t(words)), el('dd', null, keys.map((key, index) => [index > 0 && ' + ', el('kbd', null, key)])))));
  openDialog({ title: t('keys.title'), content: list, class: 'dialog-small' });
}

function run(event, actions) {
  const mod = APPLE ? event.metaKey : event.ctrlKey;
  const key = event.key.toLowerCase();
  if (mod && event.shiftKey && key === 'o') {
    actions.newChat();
  } else if (mod && event.shiftKey && key === 's') {
    actions.sidebar();
  } else if (mod && !event.shiftKey && key === 'k') {
    actions.search();
  } else if (mod && key === '/') {
    showShortcuts();
  } else if (event.shiftKey && key === 'escape') {
    actions.composer();
  } else if (key === 'escape' && !event.defaultPrevented) {
    return actions.stop();
  } else {
    return false;
  }
  return true;
}
