/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A pop-up menu at a button: arrow keys, Home, End, Escape, and back to the button. In the top layer where the browser has popovers. */

import { $$, el } from './dom.js';
import { icon } from './icons.js';

const GAP_PX = 4;
let current = null;

/**
 * Opens a menu at anchor; opening it again at the same anchor closes it.
 * @param {HTMLElement} anchor
 * @param {{label: string, icon?: string, danger?: boolean, onSelect: function(): void}[]} items
 * @param {string} label the menu's name
 */
export function openMenu(anchor, items, label) {
  const again = current?.anchor === anchor;
  current?.close(false);
  if (again) {
    return;
  }
  const menu = el('div', { class: 'menu', role: 'menu', aria: { label }, popover: 'manual' }, items.map((item) => menuItem(item)));
  const close = (refocus) => {
    document.removeEventListener('pointerdown', onOutside, true);
    window.removeEventListener('resize', onAway);
    window.removeEventListener('blur', onAway);
    document.removeEventListener('scroll', onAway, true);
    menu.remove();
    anchor.setAttribute('aria-expanded', 'false');
    current = null;
    if (refocus && anchor.isConnected) {
      anchor.focus({ preventScroll: true });
    }
  };
  const onOutside = (event) => {
    if (!menu.contains(event.target) && !anchor.contains(event.target)) {
      close(false);
    }
  };
  const onAway = (event) => {
    /* A long menu scrolls itself. */
    if (!(event.target instanceof Node) || !menu.contains(event.target)) {
      close(false);
    }
  };
  menu.addEventListener('keydown', (event) => onKey(event, menu, close));
  menu.addEventListener('click', (event) => {
    const button = event.target.closest('[role="menuitem"]');
    if (button) {
      close(true);
      items[Number(button.dataset.index)].onSelect();
    }
  });
  $$('[role="menuitem"]', menu).forEach((button, index) => {
    button.dataset.index = String(index);
  });
  (document.querySelector('dialog[open]') ?? document.body).append(menu);
  menu.showPopover?.();
  place(menu, anchor);
  anchor.setAttribute('aria-expanded', 'true');
  document.addEventListener('pointerdown', onOutside, true);
  document.addEventListener('scroll', onAway, true);
  window.addEventListener('resize', onAway);
  window.addEventListener('blur', onAway);
  current = { anchor, close };
  menu.querySelector('[role="menuitem"]')?.focus({ preventScroll: true });
}

/** Whether a menu is open. @returns {boolean} */
export function menuIsOpen() {
  return current !== null;
}

function menuItem({ label, icon: name, danger = false }) {
  return el('button', { class: danger ? 'menu-item menu-item-danger' : 'menu-item', type: 'button', role: 'menuitem', tabindex: '-1' }, name && icon(name), el('span', null, label));
}

function onKey(event, menu, close) {
  const buttons = $$('[role="menuitem"]', menu);
  const at = buttons.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (event.key === 'Escape' || event.key === 'Tab') {
    event.preventDefault();
    event.stopPropagation();
    close(true);
  } else if (to !== undefined) {
    event.preventDefault();
    buttons[(to + buttons.length) % buttons.length].focus();
  }
}

/* Below the anchor where there is room, else above; never outside the window. */
function place(menu, anchor) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = at.bottom + GAP_PX + height <= window.innerHeight;
  const top = below ? at.bottom + GAP_PX : Math.max(GAP_PX, at.top - GAP_PX - height);
  const left = Math.min(Math.max(GAP_PX, at.right - width), window.innerWidth - width - GAP_PX);
  menu.style.top = `${top}px`;
  menu.style.left = `${left}px`;
}
