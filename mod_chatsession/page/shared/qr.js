/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */
/* A text as a QR code, drawn in the page: nobody else hears of the text. Dark on light whatever the theme, since not every camera reads the reverse. */

import { encodeQR } from '../vendor/qr.js';

const SVG = 'http://www.w3.org/2000/svg';
const QUIET_ZONE = 4;

/**
 * The picture.
 * @param {string} text
 * @param {string} label what it is, for who cannot see it
 * @returns {SVGElement}
 */
export function qrCode(text, label) {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_ZONE });
  const size = rows.length;
  const picture = node('svg', { class: 'qr', viewBox: `0 0 ${size} ${size}`, role: 'img', 'aria-label': label, 'shape-rendering': 'crispEdges' });
  picture.append(node('rect', { width: size, height: size, fill: '#ffffff' }), node('path', { d: rows.map(strokesOf).join(''), fill: '#000000' }));
  return picture;
}

/* A row's dark modules, a rectangle for each run of them. */
function strokesOf(row, y) {
  let strokes = '';
  for (let x = 0; x < row.length; x += 1) {
    const from = x;
    while (row[x]) {
      x += 1;
    }
    strokes += x > from ? `M${from} ${y}h${x - from}v1h${from - x}z` : '';
  }
  return strokes;
}

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) {
    made.setAttribute(attribute, value);
  }
  return made;
}
