/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Above the list: which label's chats are shown. Nothing is there for who has no labels. */

import { $, el, replaceChildren } from '../shared/dom.js';
import { describeError } from '../shared/errors.js';
import { formatNumber, isolate, t } from '../shared/i18n.js';
import { icon } from '../shared/icons.js';
import { openMenu } from '../shared/menu.js';
import { toast } from '../shared/notify.js';
import { manageLabels, ownLabels } from './labels.js';

/** The choice of a label. */
export class LabelFilter {
  #box = $('#label-filter');
  #labels = null;
  #current = null;
  #onChoose;

  /** @param {{onChoose: function(string|null): void}} options onChoose: the list shall show the chats of this label; null: all; also when labels have changed */
  constructor({ onChoose }) {
    this.#onChoose = onChoose;
  }

  /** Learns which labels there are. When that fails, what was known stays: the next change asks again. */
  async load() {
    try {
      this.#labels = await ownLabels();
    } catch {
      return;
    }
    this.draw();
    if (this.#current !== null && !this.#has(this.#current)) {
      this.#choose(null);
    }
  }

  /** Rows were read: whether they show labels that are not known, or none is known yet. @param {Object[]} infos */
  see(infos) {
    if (this.#labels === null || infos.some((info) => info.labels?.some((label) => !this.#has(label)))) {
      this.load();
    }
  }

  /** Draws it in the present language. */
  draw() {
    this.#box.hidden = this.#current === null && (this.#labels ?? []).length === 0;
    const focused = this.#box.contains(document.activeElement);
    const chosen = this.#current !== null;
    const button = el('button', { class: chosen ? 'button button-small label-button label-chosen' : 'button button-small label-button', type: 'button', title: t('labels.filter'), aria: { haspopup: 'menu', expanded: 'false' }, dataset: { filter: '' }, onclick: () => this.#open(button) },
      icon('label'), el('span', { class: 'label-name' }, chosen ? t('labels.shown', { label: isolate(this.#current) }) : t('labels.all')));
    replaceChildren(this.#box, button,
      chosen && el('button', { class: 'icon-button', type: 'button', title: t('labels.end'), aria: { label: t('labels.end') }, dataset: { end: '' }, onclick: () => this.#choose(null) }, icon('close')));
    if (focused) {
      button.focus({ preventScroll: true });
    }
  }

  #has(label) {
    return (this.#labels ?? []).some((one) => one.label === label);
  }

  #open(button) {
    const item = ({ label, conversations }) => ({ label: t('labels.count', { label: isolate(label), count: formatNumber(conversations) }), icon: label === this.#current ? 'check' : 'label', onSelect: () => this.#choose(label) });
    openMenu(button, [
      { label: t('labels.all'), icon: this.#current === null ? 'check' : 'menu', onSelect: () => this.#choose(null) },
      ...(this.#labels ?? []).map(item),
      { label: t('labels.manage'), icon: 'settings', onSelect: () => this.#manage() },
    ], t('labels.filter'));
  }

  async #manage() {
    try {
      await manageLabels(async () => {
        await this.load();
        this.#onChoose(this.#current);
      });
    } catch (error) {
      toast({ text: describeError(error), kind: 'error' });
    }
  }

  #choose(label) {
    this.#current = label;
    this.draw();
    this.#onChoose(label);
  }
}
