/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-FileCopyrightText: The mod_chatsession authors */

/*
 * An exported file of JSON lines, compressed or not, read once and cut into pieces of whole conversations, so that a file of any size is sent by calls of a
 * bounded one. The lines stay as they stand. No calls, no elements.
 */

/* Even where each character takes three octets or is escaped, a piece stays well below what the server reads. */
const PIECE_CHARACTERS = 1024 * 1024;
const BEGINS = /^\s*\{\s*"type"\s*:\s*"conversation"/;
const ENDS = /^\s*\{\s*"type"\s*:\s*"end"/;

/**
 * @typedef {Object} Piece
 * @property {string} lines
 * @property {number} firstLine where it stands in the file, from 1
 * @property {boolean} complete false: the file ends here, without its last line
 * @property {number} octets of the file until here
 */

/**
 * @param {Blob & {name?: string}} file
 * @returns {AsyncGenerator<Piece>} rejects when the file is no text or cannot be decompressed
 */
export async function* piecesOf(file) {
  let octets = 0;
  let piece = [];
  let group = [];
  let size = 0;
  let groupSize = 0;
  let firstLine = 1;
  let last = '';
  const take = (complete) => {
    const taken = { lines: piece.join('\n'), firstLine, complete, octets };
    firstLine += piece.length;
    [piece, size] = [[], 0];
    return taken;
  };
  const closeGroup = () => {
    piece.push(...group);
    size += groupSize;
    [group, groupSize] = [[], 0];
  };
  for await (const line of linesOf(file, (count) => (octets += count))) {
    if (BEGINS.test(line)) {
      if (piece.length > 0 && size + groupSize > PIECE_CHARACTERS) {
        yield take(true);
      }
      closeGroup();
    }
    group.push(line);
    groupSize += line.length + 1;
    last = line;
  }
  if (piece.length > 0 && size + groupSize > PIECE_CHARACTERS) {
    yield take(true);
  }
  closeGroup();
  if (piece.length > 0) {
    yield take(ENDS.test(last));
  }
}

async function* linesOf(file, onOctets) {
  const counted = new TransformStream({
    transform(chunk, controller) {
      onOctets(chunk.byteLength);
      controller.enqueue(chunk);
    },
  });
  const octets = file.stream().pipeThrough(counted);
  const plain = (await isGzip(file)) ? octets.pipeThrough(new DecompressionStream('gzip')) : octets;
  const reader = plain.pipeThrough(new TextDecoderStream('utf-8', { fatal: true })).getReader();
  let parts = [];
  try {
    for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
      const [end, ...lines] = value.split('\n');
      parts.push(end);
      for (const line of lines) {
        yield parts.join('');
        parts = [line];
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
  const rest = parts.join('');
  if (rest !== '') {
    yield rest;
  }
}

async function isGzip(file) {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  return first === 0x1f && second === 0x8b;
}
