/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/*
 * Brings more of a list as the reader nears its edge. An IntersectionObserver tells changes only: an edge that moves away and is in sight again
 * before the next look has not changed for it, and the reader would wait there in vain. So whenever something came it is asked anew.
 */

/**
 * Watches the edge of a list for as long as the page lives.
 * @param {HTMLElement} box what scrolls
 * @param {HTMLElement} mark what stands at the edge; hidden while there is no more
 * @param {string} margin how far out of sight is near enough, as an IntersectionObserver's rootMargin
 * @param {function(): (boolean|Promise<boolean>)} bring brings the next part; false: nothing came, and the edge must leave first
 */
export function whenInSight(box, mark, margin, bring) {
  const observer = new IntersectionObserver(async (entries) => {
    if (entries.at(-1).isIntersecting && await bring()) {
      observer.unobserve(mark);
      observer.observe(mark);
    }
  }, { root: box, rootMargin: margin });
  observer.observe(mark);
}
