/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Short messages that come and go (toasts), questions (dialogs), and what screen readers shall hear. */

import { el } from './dom.js';
import { defineMessages, t } from './i18n.js';
import { icon } from './icons.js';

defineMessages({
  en: { 'dialog.cancel': 'Cancel', 'dialog.close': 'Close', 'dialog.ok': 'OK', 'toast.dismiss': 'Dismiss', 'toast.region': 'Messages' },
  ja: { 'dialog.cancel': 'キャンセル', 'dialog.close': '閉じる', 'dialog.ok': 'OK', 'toast.dismiss': '閉じる', 'toast.region': 'お知らせ' },
});

const TOAST_MS = 6000;
const TOAST_WITH_ACTION_MS = 10000;
let toastRegion = null;
let announcer = null;

/**
 * Shows a short message at the bottom; it goes by itself, later while it is pointed at or holds the focus.
 * @param {{text: string, kind?: 'info'|'success'|'error', action?: {label: string, onClick: function(): void}, timeout?: number}} options
 * @returns {{close: function(): void}}
 */
export function toast({ text, kind = 'info', action = null, timeout = action ? TOAST_WITH_ACTION_MS : TOAST_MS }) {
  const node = el('div', { class: `toast toast-${kind}`, role: kind === 'error' ? 'alert' : 'status' }, el('span', { class: 'toast-text' }, text));
  let timer = null;
  const close = () => {
    clearTimeout(timer);
    node.remove();
  };
  const start = () => {
    clearTimeout(timer);
    timer = timeout > 0 ? setTimeout(close, timeout) : null;
  };
  if (action) {
    node.append(el('button', { class: 'button button-small', type: 'button', onclick: () => { close(); action.onClick(); } }, action.label));
  }
  node.append(el('button', { class: 'icon-button', type: 'button', aria: { label: t('toast.dismiss') }, onclick: close }, icon('close')));
  node.addEventListener('mouseenter', () => clearTimeout(timer));
  node.addEventListener('mouseleave', start);
  node.addEventListener('focusin', () => clearTimeout(timer));
  node.addEventListener('focusout', start);
  regionForToasts().append(node);
  start();
  return { close };
}

/**
 * Says text to screen readers without showing it.
 * @param {string} text
 */
export function announce(text) {
  announcer ??= document.body.appendChild(el('div', { class: 'visually-hidden', role: 'status', aria: { live: 'polite' } }));
  announcer.textContent = '';
  requestAnimationFrame(() => {
    announcer.textContent = text;
  });
}

/**
 * Opens a modal dialog around content. Escape and the close button close it; the focus goes back to where it was.
 * @param {{title: string, content: Node|Node[], class?: string, closable?: boolean, onClose?: function(string): void}} options
 * @returns {HTMLDialogElement} call close(value) on it; it leaves the page when closed
 */
export function openDialog({ title, content, class: className = '', closable = true, onClose }) {
  const opener = document.activeElement;
  const heading = el('h2', { class: 'dialog-title', id: `dialog-${Math.random().toString(36).slice(2)}` }, title);
  const dialog = el('dialog', { class: `dialog ${className}`.trim(), aria: { labelledby: heading.id } });
  const closeButton = closable && el('button', { class: 'icon-button dialog-close', type: 'button', aria: { label: t('dialog.close') }, onclick: () => dialog.close('') }, icon('close'));
  dialog.append(el('div', { class: 'dialog-head' }, heading, closeButton || ''), el('div', { class: 'dialog-body' }, content));
  dialog.addEventListener('cancel', (event) => {
    if (!closable) {
      event.preventDefault();
    }
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (opener instanceof HTMLElement && opener.isConnected) {
      opener.focus({ preventScroll: true });
    }
    onClose?.(dialog.returnValue);
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Asks yes or no.
 * @param {{title: string, body?: string|Node, confirmLabel?: string, danger?: boolean}} options
 * @returns {Promise<boolean>} false when cancelled or closed by Escape
 */
export function confirmDialog({ title, body = '', confirmLabel = t('dialog.ok'), danger = false }) {
  return new Promise((resolve) => {
    const cancel = el('button', { class: 'button', type: 'button', onclick: () => dialog.close('') }, t('dialog.cancel'));
    const confirm = el('button', { class: `button ${danger ? 'button-danger' : 'button-primary'}`, type: 'button', onclick: () => dialog.close('yes') }, confirmLabel);
    const dialog = openDialog({
      title,
      content: [body instanceof Node ? body : el('p', null, body), el('div', { class: 'dialog-actions' }, cancel, confirm)],
      class: 'dialog-small',
      onClose: (value) => resolve(value === 'yes'),
    });
    (danger ? cancel : confirm).focus();
  });
}

/* A modal dialog makes the rest of the page inert, so the toasts move into the top layer by the popover API where it exists. */
function regionForToasts() {
  toastRegion ??= el('div', { class: 'toasts', role: 'region', aria: { label: t('toast.region') }, popover: 'manual' });
  const host = document.querySelector('dialog[open]') ?? document.body;
  if (toastRegion.parentNode !== host) {
    host.append(toastRegion);
  }
  if (typeof toastRegion.showPopover === 'function') {
    toastRegion.hidePopover();
    toastRegion.showPopover();
  }
  return toastRegion;
}
