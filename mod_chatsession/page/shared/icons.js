/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* Line icons drawn on a 24 by 24 grid with the current text colour. They are decoration: the control that holds one carries the name. */

const SVG = 'http://www.w3.org/2000/svg';

const PATHS = {
  archive: 'M4 8v11h16V8M3 4h18v4H3zM10 12h4',
  arrowDown: 'M12 5v14M6 13l6 6 6-6',
  arrowUp: 'M12 19V5M6 11l6-6 6 6',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  chevronLeft: 'M14.5 6l-6 6 6 6',
  chevronRight: 'M9.5 6l6 6-6 6',
  clock: 'M12 21a9 9 0 100-18 9 9 0 000 18zM12 7v5l3.5 2',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  download: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  edit: 'M4 20h4L19 9l-4-4L4 16zM13.5 6.5l4 4',
  help: 'M12 21a9 9 0 100-18 9 9 0 000 18zM9.5 9.5a2.5 2.5 0 114 2c-1 .8-1.5 1.2-1.5 2.5M12 17v.01',
  label: 'M4 4h8l8.5 8.5-8 8L4 12zM8 8v.01',
  logout: 'M10 4H5v16h5M15 8l4 4-4 4M19 12H9',
  menu: 'M4 7h16M4 12h16M4 17h16',
  more: 'M5 11.2a.8.8 0 100 1.6.8.8 0 000-1.6zM12 11.2a.8.8 0 100 1.6.8.8 0 000-1.6zM19 11.2a.8.8 0 100 1.6.8.8 0 000-1.6z',
  pin: 'M9 4h6l-1 6 4 4H6l4-4zM12 14v6',
  plus: 'M12 5v14M5 12h14',
  refresh: 'M19 5v5h-5M5 19v-5h5M6 9a7 7 0 0112.5-1.5L19 10M18 15a7 7 0 01-12.5 1.5L5 14',
  restore: 'M4 5v5h5M4.6 10A8 8 0 114 14',
  search: 'M11 18a7 7 0 100-14 7 7 0 000 14zM16 16l5 5',
  select: 'M4 6l1.5 1.5L8 5M4 12l1.5 1.5L8 11M4 18l1.5 1.5L8 17M11.5 6.5H20M11.5 12.5H20M11.5 18.5H20',
  send: 'M12 20V5M5.5 11.5L12 5l6.5 6.5',
  settings: 'M4 8h9M17 8h3M4 16h3M11 16h9M15 6v4M9 14v4',
  share: 'M9 12h7a4 4 0 000-8h-3M15 12H8a4 4 0 000 8h3',
  sidebar: 'M4 5h16v14H4zM9.5 5v14',
  stop: 'M7 7h10v10H7z',
  thumbDown: 'M17 14V4H7L4 12v2h5.5L8.5 19 11 20l4-6zM17 4h3v10h-3',
  thumbUp: 'M7 10v10h10l3-8v-2h-5.5l1-5L13 4l-4 6zM7 10H4v10h3',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5',
  upload: 'M12 20V9M7 13l5-5 5 5M4 4h16',
  user: 'M12 12a4 4 0 100-8 4 4 0 000 8zM4.5 20a7.5 7.5 0 0115 0',
  warning: 'M12 4L2.5 20h19zM12 10v4M12 17v.01',
};

/**
 * A decorative icon.
 * @param {string} name a key of the table above
 * @returns {SVGElement}
 */
export function icon(name) {
  if (!(name in PATHS)) {
    throw new RangeError(`no icon "${name}"`);
  }
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}
