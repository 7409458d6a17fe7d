/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Keeps a scrolling box at its end while text grows, as long as the reader has not scrolled up, and offers the way back to the end.
 */

const NEAR_END_PX = 60;

/** Watches one scrolling box. */
export class ScrollLock {
  #box;
  #jump;
  #atEnd = true;
  #last = 0;
  #size = '';

  /**
   * @param {HTMLElement} box what scrolls
   * @param {HTMLElement} content what grows in it
   * @param {HTMLButtonElement} jump the button that leads to the end
   */
  constructor(box, content, jump) {
    this.#box = box;
    this.#jump = jump;
    box.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    jump.addEventListener('click', () => this.toEnd());
    const observer = new ResizeObserver(() => this.#settle());
    observer.observe(content);
    observer.observe(box);
  }

  /** Goes to the end and stays there. */
  toEnd() {
    this.#atEnd = true;
    this.#settle();
  }

  /** Whether the end is in sight and being followed. @returns {boolean} */
  get atEnd() {
    return this.#atEnd;
  }

  /** Lets go of the end, for example to show a message further up. */
  release() {
    this.#atEnd = false;
    this.#show();
  }

  /* Growth moves the end away without the reader having moved, so only a movement upwards lets go; and another size of the box moves everything. */
  #onScroll() {
    if (this.#size !== this.#sizeNow()) {
      this.#settle();
      return;
    }
    const { scrollTop } = this.#box;
    const near = this.#distance() < NEAR_END_PX;
    if (near) {
      this.#atEnd = true;
    } else if (scrollTop < this.#last - 1) {
      this.#atEnd = false;
    }
    this.#last = scrollTop;
    this.#show();
  }

  #sizeNow() {
    return `${this.#box.clientWidth}x${this.#box.clientHeight}`;
  }

  #settle() {
    this.#size = this.#sizeNow();
    if (this.#atEnd) {
      this.#box.scrollTop = this.#box.scrollHeight;
      this.#last = this.#box.scrollTop;
    }
    this.#show();
  }

  #show() {
    this.#jump.hidden = this.#atEnd || this.#distance() < NEAR_END_PX;
  }

  #distance() {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight;
  }
}
